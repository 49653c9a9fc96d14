package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/leadhit"
)

// mostValue limits how many bytes of stdin are read: four times the largest value that a mapping accepts. The limit
// keeps a wrong file, or a pipe that never ends, from filling the memory.
const mostValue = 16 << 20

// recordFlags describe the record, except for its value, which is read from stdin.
type recordFlags struct {
	topic, key string
	headers    []string
	null       bool
}

// explainCommand shows one event in full, so its output may contain personal data and does not belong in a ticket. Its
// exit code is 0 even if the event is refused, because a refusal is a valid result.
func explainCommand() *cobra.Command {
	var output outputForm
	var flags recordFlags
	c := &cobra.Command{
		Use: "explain FILE|PRESET [flags] < event.json", Short: "Show how one event is read and which calls result",
		Long: `Show how one event is read: the envelopes that were opened, each field with its value
and its source, the rule or list that decided, and the resulting call. The event's
value is read from stdin, byte for byte; flags give the rest of the record. LeadHit
is not called. Unlike the log, the output shows the event's content.`,
		Example: `  leadhit-sync mapping explain shopify --header X-Shopify-Topic=orders/paid < event.json
  leadhit-sync mapping explain shop.yaml --topic shop.orders -o json < event.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			record, err := flags.record(c)
			if err != nil {
				return err
			}
			m, err := loadMapping(args[0], nil)
			if err != nil {
				return err
			}
			e, err := m.Explain(c.Context(), record)
			if err != nil {
				return err
			}
			out := explained(e, m.Check().Statuses)
			return output.print(c.OutOrStdout(), out, func(w io.Writer) error { return printExplanation(w, out) })
		},
		ValidArgsFunction: completePreset,
	}
	outputFlag(c, &output)
	f := c.Flags()
	f.StringVar(&flags.topic, "topic", "", "the record's topic; it selects one of several mappings")
	f.StringVar(&flags.key, "key", "", "the record's key")
	f.StringArrayVar(&flags.headers, "header", nil, "a header of the record, name=value; may be repeated")
	f.BoolVar(&flags.null, "null", false, "the value is null, a tombstone; stdin is not read")
	return c
}

// record builds the record. Without --key the record has no key, which a mapping can distinguish from an empty one.
func (f recordFlags) record(c *cobra.Command) (event.Record, error) {
	r := event.Record{Place: event.Place{Topic: f.topic}, Time: time.Now().Truncate(time.Second)}
	if c.Flags().Changed("key") {
		r.Key = []byte(f.key)
	}
	for _, h := range f.headers {
		name, value, ok := strings.Cut(h, "=")
		if !ok || name == "" {
			return r, usageError{fmt.Errorf("--header %s: want name=value", h)}
		}
		r.Headers = append(r.Headers, event.Header{Key: name, Value: []byte(value)})
	}
	if f.null {
		return r, nil
	}
	// A person who forgot the file would see a command that hangs, because a terminal's input does not end on its own.
	if terminal.Is(c.InOrStdin()) {
		return r, usageError{errors.New("the event is read from stdin: add < event.json to the command")}
	}
	var err error
	r.Value, err = io.ReadAll(io.LimitReader(c.InOrStdin(), mostValue))
	return r, err
}

// explainedEvent is the JSON form of an explanation.
type explainedEvent struct {
	Schema string `json:"schema"`
	mapping.Explanation

	// Calls are the calls to LeadHit, in the order of the event's items.
	Calls []explainedCall `json:"calls"`
	// Warnings say which of these calls LeadHit will refuse.
	Warnings []string `json:"warnings"`
}

// explainedCall is a call as LeadHit would get it. A person can compare it with LeadHit's own documentation.
type explainedCall struct {
	Method string     `json:"method"`
	Params callParams `json:"params"`
}

type callParams struct {
	OrderID string `json:"order_id"`
	Status  string `json:"status"`
}

// explained returns the JSON form of an explanation. It keeps a call that LeadHit will refuse, because a worker makes
// that call and then stores a letter.
func explained(e mapping.Explanation, statuses []string) explainedEvent {
	out := explainedEvent{Schema: "mapping.explain.v1", Explanation: e, Calls: []explainedCall{}, Warnings: []string{}}
	for _, o := range e.Orders {
		if o.Item.Action == event.Call {
			out.Calls = append(out.Calls, explainedCall{leadhit.Method, callParams{o.Item.OrderID, o.Item.Status}})
			if warning := unknownToLeadHit(o.Item.Status, statuses); warning != "" && !slices.Contains(out.Warnings, warning) {
				out.Warnings = append(out.Warnings, warning)
			}
		}
	}
	return out
}

// unknownToLeadHit returns a warning about a status that LeadHit will refuse, or "" for a status that LeadHit knows.
// The message shows the line to add to the mapping, because most shops have their own words for statuses.
func unknownToLeadHit(status string, statuses []string) string {
	if slices.Contains(statuses, status) {
		return ""
	}
	return fmt.Sprintf("LeadHit refuses the status %q: it knows %s; status lists in a mapping translate it, for instance "+
		"paid: [%q]",
		status, strings.Join(statuses, ", "), status)
}

func printExplanation(w io.Writer, e explainedEvent) error {
	var p terminal.Page
	p.Row("mapping", cmp.Or(e.Mapping, "none"))
	p.Row("envelopes", cmp.Or(strings.Join(e.Envelopes, ", then "), "none"))
	for i, o := range e.Orders {
		p.Line("")
		if len(e.Orders) > 1 {
			p.Line("order %d of %d", i+1, len(e.Orders))
		}
		printOrder(&p, o)
	}
	for _, warning := range e.Warnings {
		p.Line("warn  %s", warning)
	}
	return p.Print(w)
}

func printOrder(p *terminal.Page, o mapping.ExplainedOrder) {
	if len(o.Fields) > 0 {
		p.Row("FIELD", "VALUE", "TYPE", "FROM")
		for _, f := range o.Fields {
			p.Row(f.Name, fieldValue(f), f.Type, fieldSource(f))
		}
		p.Line("")
	}
	by := o.DecidedBy
	if o.Rule != "" {
		by += ": " + o.Rule
	}
	p.Row("decided by", by)
	p.Row(itemRow(o.Item))
}

// fieldValue distinguishes an empty string from null, because rules treat them differently.
func fieldValue(f mapping.ExplainedField) string {
	switch {
	case f.Failed:
		return "cannot be used"
	case f.Value == nil:
		return "null"
	}
	return cmp.Or(*f.Value, `""`)
}

// fieldSource returns where the value was found, or why there is none.
func fieldSource(f mapping.ExplainedField) string {
	switch {
	case f.Failed:
		return strings.TrimPrefix(f.Source+": "+f.Problem, ": ")
	case f.Source == "":
		return cmp.Or(strings.TrimPrefix(f.Problem, f.Name+" "), "is missing")
	}
	return f.Source
}

// itemRow returns what a worker would do with an item, and the details.
func itemRow(o event.Item) (verb, what string) {
	switch o.Action {
	case event.Call:
		return "call", fmt.Sprintf("%s(order_id=%q, status=%q)", leadhit.Method, o.OrderID, o.Status)
	case event.Ignore:
		return "ignore", "LeadHit is not called"
	case event.Refuse:
	}
	return "refuse", o.Cause + ": " + o.Message + "; the event becomes a dead letter"
}
