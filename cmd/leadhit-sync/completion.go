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
	"leadhit-sync/deadletter"
)

const (
	// completeLimit limits how long a TAB waits for Kafka. A shell shows nothing while it waits, and a person takes a
	// longer silence for a broken terminal.
	completeLimit = 2 * time.Second
	// completeLetters is how many of the newest letters are used for completion. An operator mostly looks for recent
	// letters, and a shell asks before it shows hundreds of words.
	completeLetters = 200
)

// completion returns the words that may follow, as cobra asks for them.
type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// complete adds completions for flags and arguments to every command, and examples to cobra's own commands. Values of
// letters are read from Kafka on each TAB, with the settings of the shell's environment: completion calls nobody else.
func complete(root *cobra.Command) {
	// Cobra would add the command only when it executes the root, too late for the loop below.
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
		completeFlag(c, "output", words("table", "json"))
		completeFlag(c, "cause", lettersWords(func(l deadletter.Letter) string { return l.Cause }))
		completeFlag(c, "fingerprint", lettersWords(deadletter.Letter.Fingerprint))
		completeFlag(c, "topic", lettersWords(func(l deadletter.Letter) string { return l.Topic }))
		completeFlag(c, "order", lettersWords(func(l deadletter.Letter) string { return l.OrderID }))
		if c.CommandPath() == root.Name()+" letters show" && c.ValidArgsFunction == nil {
			c.ValidArgsFunction = first(lettersWords(deadletter.Letter.ID))
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

// words completes to fixed words.
func words(all ...string) completion {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

// first completes only the first argument.
func first(words completion) completion {
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return words(c, args, begun)
	}
}

// lettersWords completes to a word from each of the newest letters. If these cannot be read, it offers nothing: an
// error message in the middle of a command line helps nobody. Words that a terminal cannot show are left out, because
// the shell would insert them. A slow cluster offers nothing after completeLimit.
func lettersWords(word func(deadletter.Letter) string) completion {
	return func(c *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		// Without a context the read could not be cancelled, so nothing is offered.
		ctx := c.Context()
		if ctx == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(ctx, completeLimit)
		defer cancel()
		found, err := readLetters(ctx, io.Discard, lettersQuery{deadletter.Filter{Limit: completeLetters}, false})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var all []string
		// The newest letters come first, and one word appears once even if many letters share it.
		for _, l := range found.Letters {
			if w := word(l); strings.HasPrefix(w, begun) && w != "" && w == terminal.Quote(w) && !slices.Contains(all, w) {
				all = append(all, w)
			}
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}
