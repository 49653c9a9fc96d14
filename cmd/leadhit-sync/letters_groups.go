package main

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/view"
)

func groupsCommand() *cobra.Command {
	var q filterFlags
	var output outputForm
	c := &cobra.Command{
		Use: "groups", Short: "Group the dead letters by cause",
		Long: `Group dead letters by fingerprint: cause, code and kind of message. Without --state it
counts the open ones. A cause is new for 24 hours, regressed if it came back a day or
more after its last letter was resolved, else ongoing. TTL is the time until Kafka may
delete the first of the cause's open and requeued letters.`,
		Example: `  leadhit-sync letters groups
  leadhit-sync letters groups --since 24h --state all -o json`,
		RunE: func(c *cobra.Command, _ []string) error {
			filter, _, err := q.parse(nil)
			if err != nil {
				return err
			}
			return withLetters(c.Context(), c.ErrOrStderr(), filter,
				func(_ context.Context, r *operator.Reader) error {
					order := sortFlag("-failed")
					listLetters(r.View, filter, len(q.states) == 0, 1, order).hints(c.ErrOrStderr())
					return printCauses(c.OutOrStdout(), output, r.View.Causes(filter, time.Now()))
				})
		},
	}
	q.add(c)
	q.allGroupsFlag(c)
	outputFlag(c, &output, linesForms()...)
	return c
}

const causesSchema = "causes.v1"

// causeView is the JSON form of a cause.
type causeView struct {
	Schema      string             `json:"schema,omitempty"` // only with -o jsonl
	Fingerprint string             `json:"fingerprint"`
	Cause       string             `json:"cause"`
	Stage       string             `json:"stage"`
	Code        int                `json:"code"`
	Message     string             `json:"message"` // of the letter that failed last
	Trend       view.Trend         `json:"trend"`   // new, regressed or ongoing
	Letters     int                `json:"letters"` // that match
	States      map[fold.State]int `json:"states"`
	Orders      int                `json:"orders"` // distinct ones; letters without an order do not count
	// FirstAt and LastAt are the times of the first and the last failure among these letters. Earlier letters may have
	// expired.
	FirstAt   *time.Time `json:"first_at"`
	LastAt    *time.Time `json:"last_at"`
	ExpiresAt *time.Time `json:"expires_at"` // when the first open or requeued letter expires
	Versions  []string   `json:"versions"`
}

func printCauses(w io.Writer, output outputForm, causes []view.Cause) error {
	views := []causeView{}
	var each []any
	var names []string
	for _, c := range causes {
		v := causeView{
			Fingerprint: c.Fingerprint, Cause: c.Name, Stage: deadletter.StageName(c.Stage), Code: c.Code, Message: c.Message,
			Trend: c.Trend, Letters: c.Letters, States: c.States, Orders: c.Orders, FirstAt: jsonTime(c.First),
			LastAt: jsonTime(c.Last), ExpiresAt: jsonTime(c.Expires), Versions: append([]string{}, c.Versions...),
		}
		views = append(views, v)
		v.Schema = causesSchema
		each, names = append(each, v), append(names, c.Fingerprint)
	}
	all := map[string]any{"schema": causesSchema, "causes": views}
	return output.printList(w, all, each, names, func(w io.Writer) error {
		return causesPage(causes, time.Now()).Print(w)
	})
}

// causesPage returns a page with a line for each cause. A fingerprint is never cut, so that it can be copied.
func causesPage(causes []view.Cause, now time.Time) *terminal.Page {
	var p terminal.Page
	if len(causes) == 0 {
		p.Line("no letters match")
		return &p
	}
	short := terminal.Short
	p.Columns(terminal.Whole, terminal.Text, short, short, short, short, short, short, terminal.Text)
	p.Row("FINGERPRINT", "CAUSE", "TREND", "LETTERS", "ORDERS", "FIRST", "LAST", "TTL", "VERSION")
	ago := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return lasting(now.Sub(t))
	}
	for _, c := range causes {
		ttl := "-"
		if !c.Expires.IsZero() {
			ttl = lasting(c.Expires.Sub(now))
		}
		p.Row(c.Fingerprint, strings.TrimSpace(c.Name+" "+c.Message), string(c.Trend), strconv.Itoa(c.Letters),
			strconv.Itoa(c.Orders), ago(c.First), ago(c.Last), ttl, strings.Join(c.Versions, " "))
	}
	return &p
}
