package main

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/view"
)

const (
	// completeLimit limits how long completion waits for Kafka after TAB is pressed. A shell shows nothing while it
	// waits, and after a longer silence the terminal seems broken.
	completeLimit = 2 * time.Second
	// completeLetters is how many of the newest letters are used for completion. An operator mostly looks for recent
	// letters, and a shell asks before it shows hundreds of words.
	completeLetters = 200
)

// completion returns the words that may come next, in the form that cobra expects.
type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// complete adds completions for flags and arguments to every command, and examples to cobra's own commands. Values of
// letters are read from Kafka on each TAB, with the settings in the shell's environment. Completion connects to nothing
// but Kafka.
func complete(root *cobra.Command) {
	// Cobra would add its completion command only when it executes the root, too late for the loop below.
	root.InitDefaultCompletionCmd()
	examples := map[string]string{
		"completion": "  source <(leadhit-sync completion bash)",
		"bash":       "  source <(leadhit-sync completion bash)",
		"zsh":        "  leadhit-sync completion zsh > \"${fpath[1]}/_leadhit-sync\"",
		"fish":       "  leadhit-sync completion fish | source",
		"powershell": "  leadhit-sync completion powershell | Out-String | Invoke-Expression",
	}
	for c := range commands(root) {
		c.Example = cmp.Or(c.Example, examples[c.Name()])
		if o := c.Flags().Lookup("output"); o != nil {
			completeFlag(c, "output", words(o.Value.(*formFlag).forms...))
		}
		completeFlag(c, "cause", lettersWords(func(l view.Letter) string { return l.Cause }))
		completeFlag(c, "fingerprint", lettersWords(func(l view.Letter) string { return l.Fingerprint() }))
		completeFlag(c, "topic", lettersWords(func(l view.Letter) string { return l.Topic }))
		completeFlag(c, "state", words(append(stateWords(), "all")...))
		completeFlag(c, "order", lettersWords(func(l view.Letter) string { return l.OrderID }))
		id := lettersWords(func(l view.Letter) string { return l.ID() })
		switch c.CommandPath() {
		case root.Name() + " letters show":
			c.ValidArgsFunction = first(id)
		case root.Name() + " letters dismiss", root.Name() + " letters reopen", root.Name() + " replay":
			c.ValidArgsFunction = id
		case root.Name() + " runs":
			c.ValidArgsFunction = first(viewWords(runNames))
		}
	}
}

// commands yields a command and all its subcommands.
func commands(c *cobra.Command) func(yield func(*cobra.Command) bool) {
	return func(yield func(*cobra.Command) bool) { visit(c, yield) }
}

func visit(c *cobra.Command, yield func(*cobra.Command) bool) bool {
	if !yield(c) {
		return false
	}
	return !slices.ContainsFunc(c.Commands(), func(below *cobra.Command) bool { return !visit(below, yield) })
}

// completeFlag adds a completion to a flag, if the command has the flag and no completion for it yet.
func completeFlag(c *cobra.Command, flag string, words completion) {
	if c.Flags().Lookup(flag) == nil {
		return
	}
	_ = c.RegisterFlagCompletionFunc(flag, words) // the error means that the flag has a completion already
}

// words returns a completion with fixed words.
func words(all ...string) completion {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

// first returns a completion that offers words for the first argument only.
func first(words completion) completion {
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return words(c, args, begun)
	}
}

// lettersWords returns a completion with a word from each of the newest letters.
func lettersWords(word func(view.Letter) string) completion {
	return viewWords(func(v *view.View) (all []string) {
		// The newest letters come first.
		for _, l := range listLetters(v, view.Filter{}, false, completeLetters, "-failed").Letters {
			all = append(all, word(l))
		}
		return all
	})
}

// runNames returns the names of the runs, the newest first.
func runNames(v *view.View) (all []string) {
	for _, r := range slices.Backward(v.Runs()) {
		all = append(all, r.Name)
	}
	return all
}

// viewWords returns a completion with words from the letters and the ledger, each once even if many letters share it.
// If these cannot be read, it offers nothing, because an error message in the middle of a command line would only be in
// the way. Words that a terminal cannot show are left out, because the shell would insert them. A cluster that takes
// longer than completeLimit counts as one that cannot be read.
func viewWords(from func(*view.View) []string) completion {
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		// Without a context the read could not be cancelled, so nothing is offered.
		ctx := c.Context()
		if ctx == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(ctx, completeLimit)
		defer cancel()
		var found []string
		err := withLetters(ctx, io.Discard, view.Filter{},
			func(_ context.Context, r *operator.Reader) error {
				found = from(r.View)
				return nil
			})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var all []string
		for _, w := range found {
			if strings.HasPrefix(w, begun) && w != "" && w == terminal.Quote(w) && !slices.Contains(all, w) &&
				!slices.Contains(args, w) {
				all = append(all, w)
			}
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}
