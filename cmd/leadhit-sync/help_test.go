package main

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

func TestEveryHelpHasExamplesThatCanBeTyped(t *testing.T) {
	t.Parallel()
	for c := range commands(rootCommand()) {
		if c.Example == "" {
			t.Errorf("%s: got no example", c.CommandPath())
		}
		for line := range strings.Lines(c.Example) {
			for _, typed := range typedCommands(line) {
				if err := understood(typed); err != nil {
					t.Errorf("%s: got %v for the example %q", c.CommandPath(), err, line)
				}
			}
		}
	}
}

// understood returns an error if a command line is wrong. It does not run the command.
func understood(typed []string) error {
	root := rootCommand()
	command, rest, err := root.Find(typed)
	switch {
	case err != nil:
		return err
	case command == root:
		return errors.New("no command")
	}
	if err := command.ParseFlags(rest); err != nil || command.Args == nil {
		return err
	}
	return command.Args(command, command.Flags().Args())
}

// typedCommands returns the words after each leadhit-sync in an example, up to a comment, a pipe or other shell syntax.
func typedCommands(line string) [][]string {
	line, _, _ = strings.Cut(line, " #")
	program := regexp.MustCompile(`(^|[\s(])/?leadhit-sync `)
	var all [][]string
	for _, part := range program.Split(strings.ReplaceAll(line, ")", ""), -1)[1:] {
		if end := strings.IndexAny(part, "|<>&;"); end >= 0 {
			part = part[:end]
		}
		var words []string
		for i, quoted := range strings.Split(part, `"`) {
			if i%2 == 1 {
				words = append(words, quoted)
			} else {
				words = append(words, strings.Fields(quoted)...)
			}
		}
		all = append(all, words)
	}
	return all
}

func TestEveryHelpExplainsItselfInPlainWords(t *testing.T) {
	t.Parallel()
	for c := range commands(rootCommand()) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: got the short help %q, want a phrase without a full stop", c.CommandPath(), c.Short)
		}
		for _, word := range []string{"fare", "lest", "whom", "shall", "thereof", "anew", "mend"} {
			if strings.Contains(" "+c.Short+" "+c.Long+" ", " "+word+" ") {
				t.Errorf("%s: got %q in its help", c.CommandPath(), word)
			}
		}
		for line := range strings.Lines(c.Long + "\n" + c.Example) {
			if len([]rune(line)) > 91 {
				t.Errorf("%s: got a line of %d characters, want it to fit a terminal: %q", c.CommandPath(), len([]rune(line)), line)
			}
		}
	}
}

func TestAMisspeltCommandOrFlagIsSuggested(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"chekc":                    `unknown command "chekc" for "leadhit-sync"; did you mean check?`,
		"letter":                   "did you mean letters?",
		"mapping shwo":             `unknown command "shwo" for "leadhit-sync mapping"; did you mean show?`,
		"mapping shwo shopify":     "did you mean show?",
		"letters lst":              "did you mean list?",
		"help mapping exlpain":     "did you mean explain?",
		"status --wacth":           "unknown flag: --wacth; did you mean --watch?",
		"letters list --cuase X":   "did you mean --cause?",
		"config --skip-file":       "did you mean --skip-files?",
		"mapping nothing-like-it":  `unknown command "nothing-like-it" for "leadhit-sync mapping"` + "\n",
		"check --nothing-like-it":  "unknown flag: --nothing-like-it\n",
		"help nothing-like-it":     `unknown command "nothing-like-it" for "leadhit-sync"`,
		"completion bsh":           "did you mean bash",
		"mapping check x --topic":  "did you mean --topics?",
		"config --check --evn-fil": "unknown flag: --evn-fil",
	} {
		if got := command(t, "", strings.Fields(line)...); got.code != exitUsage || !strings.Contains(got.err, want) ||
			got.out != "" {
			t.Errorf("%q: got %+v, want exit code 2 and %q", line, got, want)
		}
	}
}

func TestArgumentsThatAreMissingOrTooManyAreNamed(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"letters show":         "leadhit-sync: ID is missing\n",
		"mapping show":         "leadhit-sync: PRESET is missing\n",
		"mapping check":        "leadhit-sync: FILE|PRESET is missing\n",
		"mapping explain":      "leadhit-sync: FILE|PRESET is missing\n",
		"mapping test":         "leadhit-sync: FILE is missing\n",
		"probe":                "leadhit-sync: URL is missing\n",
		"mapping explain a b":  `want one FILE|PRESET, got 2: ["a" "b"]`,
		"run now":              `"leadhit-sync run" takes no arguments, got "now"`,
		"letters list orders":  `"leadhit-sync letters list" takes no arguments, got "orders"`,
		"completion bash now":  `"leadhit-sync completion bash" takes no arguments, got "now"`,
		"letters show 4712":    `"4712" is not a letter's id: want TOPIC/PARTITION/OFFSET`,
		"letters show or/1/x":  `"letters list --order ID" shows the letters of one order`,
		"letters show or/1/9#": "is not a letter's id",
		"letters show or/1/-9": "is not a letter's id",
	} {
		if got := command(t, "", strings.Fields(line)...); got.code != exitUsage || !strings.Contains(got.err, want) ||
			got.out != "" {
			t.Errorf("%q: got %+v, want exit code 2 and %q", line, got, want)
		}
	}
}

func TestTheVersionIsPrintedInEveryForm(t *testing.T) {
	t.Parallel()
	lines := command(t, "", "version")
	for _, flag := range []string{"--version", "-v"} {
		if got := command(t, "", flag); got != lines || got.code != 0 {
			t.Errorf("got %+v from %s, want what version prints: %+v", got, flag, lines)
		}
	}
	got := command(t, "", "version", "-o", "json")
	if said := decoded[versionJSON](t, got.out); got.code != 0 || said.Schema != "version.v1" || said.Version == "" ||
		!strings.HasPrefix(said.Go, "go1.") || !strings.Contains(lines.out, said.Platform) {
		t.Errorf("got %+v, want the version as JSON", got)
	}
	if got := command(t, "", "version", "-o", "yaml"); got.code != exitUsage {
		t.Errorf("got %+v from another form, want a usage error", got)
	}
}

// completed returns the words that the shell would offer.
func completed(t *testing.T, line ...string) []string {
	t.Helper()
	got := command(t, "", append([]string{cobra.ShellCompNoDescRequestCmd}, line...)...)
	words := strings.Fields(got.out)
	if got.code != 0 || len(words) == 0 || !strings.HasPrefix(words[len(words)-1], ":") {
		t.Fatalf("got %+v for %q, want words", got, line)
	}
	return words[:len(words)-1]
}

func TestOutputsAreCompletedForEveryCommand(t *testing.T) {
	t.Parallel()
	for c := range commands(rootCommand()) {
		if c.Flags().Lookup("output") == nil {
			continue
		}
		line := slices.Concat(strings.Fields(c.CommandPath())[1:], []string{"-o", ""})
		// The help must name the same forms that completion offers.
		got := completed(t, line...)
		if usage := c.Flags().Lookup("output").Usage; usage != either(got) || !strings.HasPrefix(usage, "table") ||
			!slices.Contains(got, "json") {
			t.Errorf("%s -o: got %q, want table, json and what the help says: %s", c.CommandPath(), got, usage)
		}
	}
}

func TestCausesAndIdsOfLettersAreCompleted(t *testing.T) {
	installed(t)
	f := followed(t, "run")
	await(t, "the letter", func() bool { return len(letterIDs(t)) == 1 })
	f.end()
	for line, want := range map[string]string{
		"letters show ": "orders/1/0", "letters show ord": "orders/1/0", "letters show x": "", "letters show orders/1/0 ": "",
		"letters list --cause ": "ValidationError", "letters list --order ": "4712", "letters list --topic ": "orders",
	} {
		if got := strings.Join(completed(t, strings.Split(line, " ")...), " "); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

func TestCompletionIsSilentAndQuickWithoutKafka(t *testing.T) {
	for name, env := range map[string][]string{
		"no settings": nil, "nobody listens": {"KAFKA_BROKERS", "127.0.0.1:1"},
		"nobody answers": {"KAFKA_BROKERS", silentPeer(t)},
	} {
		noSettings(t)
		for i := 0; i < len(env); i += 2 {
			t.Setenv(env[i], env[i+1])
		}
		began := time.Now()
		got := command(t, "", cobra.ShellCompNoDescRequestCmd, "letters", "show", "")
		// Cobra itself writes hints for the shell to stderr; scripts discard them.
		if got.code != 0 || strings.TrimSpace(got.out) != ":4" || strings.Contains(got.err, "127.0.0.1") {
			t.Errorf("%s: got %+v, want no words and no error", name, got)
		}
		if took := time.Since(began); took > 20*time.Second { // ten times the limit: the machine may be busy
			t.Errorf("%s: got an end after %v", name, took)
		}
	}
}

func TestJSONIsJSONForEveryCommandThatHasIt(t *testing.T) {
	needed(t)
	for _, line := range []string{"version", "config", "config --check", "mapping presets", "mapping check shopify"} {
		if got := command(t, "", append(strings.Fields(line), "-o", "json")...); got.code != 0 ||
			!json.Valid([]byte(got.out)) {
			t.Errorf("%s: got %+v, want JSON", line, got)
		}
	}
}
