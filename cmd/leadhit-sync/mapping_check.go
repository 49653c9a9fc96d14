package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/consumer/mapping/spec"
)

// errFindings exists for CI. A person may decide that a warning does not matter, so by default a warning is not treated
// as a mistake.
var errFindings = errors.New("the mapping has warnings, and --strict treats them as mistakes")

// checkMappingCommand compiles the mapping as a worker does, and finds the same mistakes. With --topics it also finds
// topics that do not have exactly one mapping. It reports warnings only for a file without mistakes, since they
// describe a compiled mapping.
func checkMappingCommand() *cobra.Command {
	var output outputForm
	var topics []string
	var strict bool
	c := &cobra.Command{
		Use: "check FILE|PRESET", Short: "Compile a mapping and list what is in it",
		Long: `Compile a mapping and list its topics, fields, rules and codes. All mistakes are
reported at once, one per line on stderr with file, line and column, and the exit
code is 1. A line that begins with warn names something that works but is probably a
mistake, such as a code that can never match or a field that no rule reads.
With --strict, warnings also give exit code 1. To find a rule or a list that is
never applied, use "leadhit-sync mapping test".`,
		Example: `  leadhit-sync mapping check shop.yaml
  leadhit-sync mapping check shopify --topics orders,returns
  leadhit-sync mapping check shop.yaml --strict -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := loadMapping(args[0], topics)
			var mistakes *spec.FileError
			// With -o json, a program finds the mistakes on stdout, and a person on stderr. The exit code is 1.
			if errors.As(err, &mistakes) && output == "json" {
				return errors.Join(printJSON(c.OutOrStdout(), checkedFile{Schema: checkSchema, Mistakes: mistakes.Problems}, "  "),
					err)
			}
			if err != nil {
				return err
			}
			report := m.Check()
			found := checkedFile{
				Schema: checkSchema, Mappings: report.Mappings, Findings: report.Findings,
				Mistakes: []spec.Problem{},
			}
			err = output.print(c.OutOrStdout(), found, func(w io.Writer) error { return printCheck(w, args[0], report) })
			if err == nil && strict && len(report.Findings) > 0 {
				return errFindings
			}
			return err
		},
		ValidArgsFunction: completePreset,
	}
	outputFlag(c, &output)
	c.Flags().StringSliceVar(&topics, "topics", nil,
		"the topics to be read, as in KAFKA_TOPICS; each needs exactly one mapping")
	c.Flags().BoolVar(&strict, "strict", false, "also exit with 1 on warnings")
	return c
}

const checkSchema = "mapping.check.v1"

// checkedFile is the JSON form of a check.
type checkedFile struct {
	Schema string `json:"schema"`
	// If there are Mistakes, a worker does not start, and Mappings and Findings are empty.
	Mappings []mapping.ReportedMapping `json:"mappings"`
	Mistakes []spec.Problem            `json:"mistakes"`
	Findings []spec.Problem            `json:"findings"`
}

func printCheck(w io.Writer, source string, report mapping.Report) error {
	var p terminal.Page
	p.Line("ok    %s: %s, no mistakes", source, count(len(report.Mappings), "mapping"))
	for _, f := range report.Findings {
		p.Line("warn  %s", f)
	}
	for _, m := range report.Mappings {
		p.Line("")
		p.Row("mapping", m.Name)
		if m.Description != "" {
			p.Row("for", m.Description)
		}
		topics := "every topic"
		if len(m.Topics) > 0 {
			topics = strings.Join(m.Topics, ", ")
		}
		p.Row("topics", topics)
		if m.Each != "" {
			p.Row("each", m.Each)
		}
		printParts(&p, m)
	}
	return p.Print(w)
}

func printParts(p *terminal.Page, m mapping.ReportedMapping) {
	p.Line("")
	p.Row("FIELD", "TYPE", "FROM")
	for _, f := range m.Fields {
		p.Row(f.Name, f.Type, strings.Join(f.Sources, ", else "))
	}
	if len(m.Rules) > 0 {
		p.Line("")
		p.Row("RULE", "THEN", "WHEN")
	}
	for i, r := range m.Rules {
		p.Row(fmt.Sprintf("rules[%d]", i), r.Then, r.When)
	}
	p.Line("")
	p.Row("STATUS", "CODES")
	for _, l := range m.Lists {
		p.Row(l.Status, strings.Join(l.Codes, ", "))
	}
	p.Row("otherwise", m.Otherwise)
}
