package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode"
	"unicode/utf16"

	"github.com/spf13/cobra"
)

// outputFlag adds -o to a command.
func outputFlag(c *cobra.Command, output *string) {
	c.Flags().StringVarP(output, "output", "o", "table", "table or json")
}

// checkOutput returns a usage error for an unknown form, before any work is done.
func checkOutput(output string) error {
	if output != "table" && output != "json" {
		return usageError{fmt.Errorf("-o %s: want table or json", output)}
	}
	return nil
}

// printAs writes a value as JSON, or calls table.
func printAs(output string, w io.Writer, value any, table func(io.Writer) error) error {
	if output == "json" {
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
