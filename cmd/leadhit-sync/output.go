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

// outputForm is the value of -o: table or json. As a flag's value, it is refused before any work is done.
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

// Type is the name of the value in the help.
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

// printJSON writes a value as JSON. Characters that a terminal would obey or not show stand in it as escapes.
func printJSON(w io.Writer, value any, indent string) error {
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
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
		for _, unit := range utf16.Encode([]rune{r}) { // such characters stand in strings only
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

// count returns a number with a noun: 1 event, 2 events.
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}
