package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"leadhit-sync/cmd/terminal"
)

// outputForm is the value of -o, such as table or json.
type outputForm string

// formFlag reads -o. It refuses a wrong form before any work is done, so a typo gives exit code 2 without a wait for
// Kafka.
type formFlag struct {
	form  *outputForm
	forms []string
}

// Set reads the flag.
func (f *formFlag) Set(text string) error {
	if !slices.Contains(f.forms, text) {
		return errors.New("want " + either(f.forms))
	}
	*f.form = outputForm(text)
	return nil
}

// String returns the value.
func (f *formFlag) String() string { return string(*f.form) }

// Type returns the name of the value's type in the help. pflag prints "string" for its own string flags, so the help
// looks the same for all flags.
func (f *formFlag) Type() string { return "string" }

// either joins words: "table or json", "table, json or yaml".
func either(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// outputFlag adds -o to a command, with the forms table, json and those in more.
func outputFlag(c *cobra.Command, o *outputForm, more ...string) {
	*o = "table"
	forms := append([]string{"table", "json"}, more...)
	c.Flags().VarP(&formFlag{o, forms}, "output", "o", either(forms))
}

// linesForms returns the forms of a list in addition to table and json. The form "jsonl" prints a line of JSON for each
// element; "name" prints only the id of each.
func linesForms() []string { return []string{"jsonl", "name"} }

// printList writes a list in one of the forms: all is the value for json, each has the elements for jsonl, and names
// has the ids for name. The table function prints the table.
func (o *outputForm) printList(w io.Writer, all any, each []any, names []string, table func(io.Writer) error) error {
	switch *o {
	case "jsonl":
		for _, one := range each {
			if err := printJSON(w, one, ""); err != nil {
				return err
			}
		}
		return nil
	case "name":
		var p terminal.Page
		for _, name := range names {
			p.Row(name)
		}
		return p.Print(w)
	}
	return o.print(w, all, table)
}

// print writes a value as JSON, or calls table.
func (o *outputForm) print(w io.Writer, value any, table func(io.Writer) error) error {
	if *o == "json" {
		return printJSON(w, value, "  ")
	}
	return table(w)
}

// printJSON writes a value as JSON. Characters that a terminal would interpret, or would not display, are written as
// escapes. IDs, keys and messages come from producers, and an escape sequence in them could rewrite the operator's
// screen. RFC 8259 allows any character to be escaped, so readers get the same text.
func printJSON(w io.Writer, value any, indent string) error {
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
	// The output goes to terminals and jq, where \u003c instead of < would only obscure the message.
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(value); err != nil {
		return err
	}
	var out bytes.Buffer
	for _, r := range plain.String() {
		if unicode.IsPrint(r) || r == '\n' {
			out.WriteRune(r)
			continue
		}
		// JSON escapes a character beyond U+FFFF as a pair of surrogates (RFC 8259, section 7).
		for _, unit := range utf16.Encode([]rune{r}) { // such characters occur only in strings
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	// One write for each value, so that with --follow the reader of a pipe rarely sees half a line.
	_, err := w.Write(out.Bytes())
	return err
}

// count returns a number with a noun: "1 event", "2 events". It forms the plural by adding s.
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}

// printYAML writes a value as YAML, with the names and the order of the value's JSON form, which is already valid YAML.
// Text that a terminal would interpret is escaped.
func printYAML(w io.Writer, value any) error {
	var text bytes.Buffer
	if err := printJSON(&text, value, ""); err != nil {
		return err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text.Bytes(), &root); err != nil {
		return err
	}
	plainStyle(&root)
	out, err := yaml.Marshal(&root)
	if err != nil {
		return err
	}
	_, err = w.Write(out)
	return err
}

// plainStyle drops JSON's braces and quotes. Text with characters that a terminal would interpret, or would not
// display, keeps its quotes.
func plainStyle(n *yaml.Node) {
	obeyed := func(r rune) bool { return !unicode.IsPrint(r) }
	if !strings.ContainsFunc(n.Value, obeyed) {
		n.Style = 0
	}
	for _, below := range n.Content {
		plainStyle(below)
	}
}
