package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode"
	"unicode/utf16"

	"github.com/spf13/cobra"
)

// outputForm is the value of -o: table or json. As a flag's value, it is refused before any work is done. A typing
// mistake thus costs no wait for Kafka, and gives exit code 2.
type outputForm string

// Set reads the flag.
func (o *outputForm) Set(text string) error {
	if text != "table" && text != "json" {
		return errors.New("want table or json")
	}
	*o = outputForm(text)
	return nil
}

// String returns the value.
func (o *outputForm) String() string { return string(*o) }

// Type is the name of the value in the help. pflag prints "string" for its own string flags, so the help looks the same
// for all.
func (o *outputForm) Type() string { return "string" }

// outputFlag adds -o to a command.
func outputFlag(c *cobra.Command, o *outputForm) {
	*o = "table"
	c.Flags().VarP(o, "output", "o", "table or json")
}

// print writes a value as JSON, or calls table.
func (o *outputForm) print(w io.Writer, value any, table func(io.Writer) error) error {
	if *o == "json" {
		return printJSON(w, value, "  ")
	}
	return table(w)
}

// printJSON writes a value as JSON. Characters that a terminal would obey or not show are written as escapes. IDs, keys
// and messages come from producers, and an escape sequence in them could rewrite the operator's screen. RFC 8259 lets a
// writer escape any character, so readers get the same text.
func printJSON(w io.Writer, value any, indent string) error {
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
	// The output goes to terminals and jq, where \u003c instead of < only hides the message.
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
	// One write for each value, so that a reader of a pipe seldom sees half a line of --follow.
	_, err := w.Write(out.Bytes())
	return err
}

// count returns a number with a noun: 1 event, 2 events. It only knows nouns that form their plural with s; callers
// choose their words.
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}
