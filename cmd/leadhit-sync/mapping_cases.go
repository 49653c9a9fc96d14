package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/consumer/mapping/spec"
)

// errDiffers gives exit code 1, so that CI can run a mapping's cases before the mapping is deployed.
var errDiffers = errors.New("a case gives a result other than the expected one")

// testMappingCommand runs all cases even if one fails, because a change to a rule often breaks several. Neither
// warnings nor parts without a case change the exit code.
func testMappingCommand() *cobra.Command {
	var file string
	var output outputForm
	c := &cobra.Command{
		Use: "test FILE", Short: "Test a mapping with the cases beside it",
		Long: `Test a mapping with its cases: events with their expected results. For
shop.yaml they are in shop.cases.yaml beside it.

  cases:
  - name: a paid order
    topic: shop.orders            # needed if the file has several mappings
    key: "4711"                   # key and headers: only if the mapping reads them
    headers: {type: order.paid}
    value: '{"id": 4711, "state": "paid"}'    # or file: paid.json; null is a tombstone
    want: {order_id: 4711, status: paid}      # a list if an event has several orders
  - name: a cancelled order
    file: cancelled.json          # beside the cases; *.b64 is base64
    want: ignore
  - name: an unknown state
    value: '{"id": 4711, "state": "?"}'
    want: {refuse: UnknownStatus}

The output shows each case, then the parts of the mapping that no case reached. The
exit code is 1 if a case gives a result other than the expected one.`,
		Example: `  leadhit-sync mapping test shop.yaml
  leadhit-sync mapping test shop.yaml --cases other.cases.yaml -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := loadMapping(args[0], nil)
			if err != nil {
				return err
			}
			cases, err := spec.ReadCases(cmp.Or(file, casesFile(args[0])), mapping.Causes())
			if err != nil {
				return asLines(err)
			}
			t := trial{Schema: "mapping.test.v1"}
			if err := t.run(c.Context(), m, cases); err != nil {
				return err
			}
			// The results come first. If they cannot be written, that error is reported instead of the failed cases.
			if err := output.print(c.OutOrStdout(), t, t.print); err != nil {
				return err
			}
			if t.Failed > 0 {
				return errDiffers
			}
			return nil
		},
	}
	outputFlag(c, &output)
	c.Flags().StringVar(&file, "cases", "", "the file of cases (default: shop.cases.yaml beside shop.yaml)")
	return c
}

// casesFile returns the path of a mapping's cases: shop.cases.yaml beside shop.yaml. A mapping without an extension has
// its cases in a file that ends with .cases.yaml.
func casesFile(source string) string {
	ext := filepath.Ext(source)
	return strings.TrimSuffix(source, ext) + ".cases" + cmp.Or(ext, ".yaml")
}

// wantFor returns the [spec.Want] that matches an item. For a refusal only the cause counts, because the message may
// quote the event.
func wantFor(o event.Item) spec.Want {
	switch o.Action {
	case event.Call:
		return spec.Want{OrderID: o.OrderID, Status: o.Status}
	case event.Ignore:
		return spec.Want{}
	case event.Refuse:
	}
	return spec.Want{Refuse: o.Cause}
}

// wanted formats a [spec.Want] in a few words, such as "call 4711 paid".
func wanted(w spec.Want) string {
	switch {
	case w.Refuse != "":
		return "refuse " + w.Refuse
	case w.OrderID != "":
		return "call " + terminal.Quote(w.OrderID) + " " + terminal.Quote(w.Status)
	}
	return "ignore"
}

// inShort formats an item in the form of an expected result, so that a person can compare the two.
func inShort(o event.Item) string { return wanted(wantFor(o)) }

// trial is the JSON form of a test: the results of all cases. Its member names never change; new ones may be added.
type trial struct {
	Schema  string        `json:"schema"`
	Cases   []triedCase   `json:"cases"`
	Failed  int           `json:"failed"` // how many of Cases failed; if any, the exit code is 1
	Untried []untriedPart `json:"untried"`
	// Warnings name cases whose result LeadHit will refuse. Such a case may test exactly that, so it does not fail.
	Warnings []string `json:"warnings"`
}

// triedCase is one case. Want and Got use the words of the file: "call 4711 paid", "refuse NotJSON", "ignore".
type triedCase struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Want string `json:"want"`
	Got  string `json:"got"`
	// Why says what decided the result, if it is not the expected one.
	Why string `json:"why,omitempty"`
}

// untriedPart is a rule or a list that decided no case. Either it is useless or a case is missing; only the author of
// the mapping can tell.
type untriedPart struct {
	Mapping string `json:"mapping"`
	Part    string `json:"part"`
}

// run stops at an error from Explain, because an error is not a result. A refusal is a result.
func (t *trial) run(ctx context.Context, m *mapping.Mapping, cases []spec.Case) error {
	tried := make(map[untriedPart]bool)
	report := m.Check()
	t.Warnings = []string{}
	for _, c := range cases {
		e, err := m.Explain(ctx, c.Record)
		if err != nil {
			return fmt.Errorf("case %q: %w", c.Name, err)
		}
		for _, o := range e.Orders {
			tried[untriedPart{e.Mapping, o.DecidedBy}] = true
		}
		for _, warning := range explained(e, report.Statuses).Warnings {
			t.Warnings = append(t.Warnings, fmt.Sprintf("case %q: %s", c.Name, warning))
		}
		one := tryCase(c, e)
		if !one.OK {
			t.Failed++
		}
		t.Cases = append(t.Cases, one)
	}
	t.Untried = []untriedPart{}
	for _, part := range parts(report) {
		if !tried[part] {
			t.Untried = append(t.Untried, part)
		}
	}
	return nil
}

// parts returns all rules and lists that can decide a case, in the form of [mapping.ExplainedOrder.DecidedBy]. Lists
// without codes cannot decide a case.
func parts(report mapping.Report) []untriedPart {
	var all []untriedPart
	for _, m := range report.Mappings {
		for i := range m.Rules {
			all = append(all, untriedPart{m.Name, fmt.Sprintf("rules[%d]", i)})
		}
		for _, l := range m.Lists {
			if len(l.Codes) > 0 {
				all = append(all, untriedPart{m.Name, "status." + l.Status})
			}
		}
		all = append(all, untriedPart{m.Name, "status.otherwise"})
	}
	return all
}

// tryCase compares the items one by one. A case with too few or too many items fails, even if the items that are there
// match. The order of the items counts, because calls for one event are made in that order.
func tryCase(c spec.Case, e mapping.Explanation) triedCase {
	var want, got, why []string
	ok := len(c.Want) == len(e.Orders)
	for _, w := range c.Want {
		want = append(want, wanted(w))
	}
	for i, o := range e.Orders {
		got = append(got, inShort(o.Item))
		if i < len(c.Want) && c.Want[i] == wantFor(o.Item) {
			continue
		}
		ok = false
		reason := o.DecidedBy
		if o.Rule != "" {
			reason += ": " + o.Rule
		} else if o.Item.Message != "" {
			reason += ": " + o.Item.Message
		}
		why = append(why, reason)
	}
	return triedCase{
		Name: c.Name, OK: ok, Want: strings.Join(want, "; "), Got: strings.Join(got, "; "), Why: strings.Join(why, "; "),
	}
}

// print names the rule or list that decided a case only if the case failed, because the author then has to look at that
// part of the mapping.
func (t *trial) print(w io.Writer) error {
	var p terminal.Page
	for _, c := range t.Cases {
		if c.OK {
			p.Row("ok", c.Name, c.Got)
			continue
		}
		p.Row("FAIL", c.Name, "want "+c.Want)
		p.Row("", "", "got  "+c.Got)
		p.Row("", "", "by   "+c.Why)
	}
	p.Line("")
	verdict := "all passed"
	if t.Failed > 0 {
		verdict = fmt.Sprintf("%d failed", t.Failed)
	}
	p.Line("%s, %s", count(len(t.Cases), "case"), verdict)
	for _, warning := range t.Warnings {
		p.Line("warn  %s", warning)
	}
	for _, part := range t.Untried {
		p.Line("no case tries %s: %s", part.Mapping, part.Part)
	}
	return p.Print(w)
}
