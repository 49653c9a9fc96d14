package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/view"
)

// letterLimits are the thresholds of "letters check".
type letterLimits struct {
	maxOpen        int // negative if there is no limit
	maxAge, minTTL time.Duration
}

func lettersCheckCommand() *cobra.Command {
	var limits letterLimits
	var output outputForm
	c := &cobra.Command{
		Use: "check", Short: "Check that no dead letter is forgotten (for cron jobs)",
		Long: `Check that no open dead letter is older than --max-age, and that none expires within
--min-ttl. A requeued letter counts as open. A letter that is open or requeued does not
count once it is overtaken, that is, once LeadHit has accepted a newer event of its
order. The exit code is 8 if a threshold is exceeded.`,
		Example: `  leadhit-sync letters check
  leadhit-sync letters check --max-open 100 --max-age 8h -o json`,
		RunE: func(c *cobra.Command, _ []string) error {
			return withLetters(c.Context(), c.ErrOrStderr(), view.Filter{},
				func(_ context.Context, r *operator.Reader) error {
					is := checkOpenLetters(r.View, limits, time.Now())
					if err := output.print(c.OutOrStdout(), is, is.print); err != nil || is.OK {
						return err
					}
					return codedError{exitExceeded, errors.New("a threshold is exceeded")}
				})
		},
	}
	f := c.Flags()
	f.IntVar(&limits.maxOpen, "max-open", -1, "how many letters may be open (default: any number)")
	f.DurationVar(&limits.maxAge, "max-age", 24*time.Hour, "how long ago an open letter may have failed")
	f.DurationVar(&limits.minTTL, "min-ttl", 72*time.Hour, "how soon an open letter may expire")
	f.Lookup("max-open").DefValue = "0" // so that the help prints no default; -1 would confuse
	outputFlag(c, &output)
	return c
}

// letterCheck is the JSON form of the check.
type letterCheck struct {
	Schema   string   `json:"schema"`   // open_letters.v1
	OK       bool     `json:"ok"`       // no threshold is exceeded
	Exceeded []string `json:"exceeded"` // a sentence for each exceeded threshold
	// Open counts the open and requeued letters, excluding those that are overtaken.
	Open int `json:"open"`
	// Overtaken counts the open and requeued letters of orders for which LeadHit has accepted a newer event.
	Overtaken int `json:"overtaken"`
	// Expired counts the letters that were open when Kafka deleted them, as far as the ledger shows.
	Expired int `json:"expired"`
	// OldestID names the letter whose last failure is the oldest.
	OldestID        string     `json:"oldest_id,omitempty"`
	OldestFailedAt  *time.Time `json:"oldest_failed_at"`
	FirstToExpireID string     `json:"first_to_expire_id,omitempty"`
	ExpiresAt       *time.Time `json:"expires_at"` // null if unknown
}

// checkOpenLetters counts requeued letters too, because a replay without an outcome has settled nothing.
func checkOpenLetters(v *view.View, limits letterLimits, now time.Time) *letterCheck {
	is := &letterCheck{Schema: "open_letters.v1", Exceeded: []string{}, Expired: v.Expired()}
	var oldest, first view.Letter
	for l := range v.Letters(view.Filter{States: []fold.State{fold.Open, fold.Requeued}}) {
		if l.Ledger.Overtaken {
			is.Overtaken++
			continue
		}
		is.Open++
		if is.Open == 1 || l.FailedAt.Before(oldest.FailedAt) {
			oldest = l
		}
		if !l.Expires.IsZero() && (first.Expires.IsZero() || l.Expires.Before(first.Expires)) {
			first = l
		}
	}
	if is.Open > 0 {
		is.OldestID, is.OldestFailedAt = oldest.ID(), jsonTime(oldest.FailedAt)
	}
	if !first.Expires.IsZero() {
		is.FirstToExpireID, is.ExpiresAt = first.ID(), jsonTime(first.Expires)
	}
	is.compare(limits, now)
	return is
}

// compare records which thresholds are exceeded.
func (is *letterCheck) compare(limits letterLimits, now time.Time) {
	exceeded := func(format string, args ...any) { is.Exceeded = append(is.Exceeded, fmt.Sprintf(format, args...)) }
	if limits.maxOpen >= 0 && is.Open > limits.maxOpen {
		exceeded("%s open, more than %d", are(is.Open), limits.maxOpen)
	}
	if is.OldestFailedAt != nil {
		if age := now.Sub(*is.OldestFailedAt); age > limits.maxAge {
			exceeded("%s failed %s ago, more than %s", is.OldestID, lasting(age), lasting(limits.maxAge))
		}
	}
	if is.ExpiresAt != nil {
		if ttl := is.ExpiresAt.Sub(now); ttl < limits.minTTL {
			exceeded("%s expires in %s, less than %s", is.FirstToExpireID, lasting(ttl), lasting(limits.minTTL))
		}
	}
	is.OK = len(is.Exceeded) == 0
}

// are returns a number of letters with the verb: "1 letter is", "2 letters are".
func are(n int) string {
	if n == 1 {
		return "1 letter is"
	}
	return count(n, "letter") + " are"
}

func (is *letterCheck) print(w io.Writer) error {
	var p terminal.Page
	p.Line("%s open", are(is.Open))
	if is.Overtaken > 0 {
		whose := "newer statuses of their orders"
		if is.Overtaken == 1 {
			whose = "a newer status of its order"
		}
		p.Line("%s overtaken: LeadHit has %s", are(is.Overtaken), whose)
	}
	if is.OldestFailedAt != nil {
		p.Row("oldest", is.OldestID, is.OldestFailedAt.Format(time.RFC3339))
	}
	if is.ExpiresAt != nil {
		p.Row("expires first", is.FirstToExpireID, is.ExpiresAt.Format(time.RFC3339))
	}
	if is.Expired > 0 {
		p.Line("%s expired while open", count(is.Expired, "letter"))
	}
	for _, text := range is.Exceeded {
		p.Line("FAIL  %s", text)
	}
	return p.Print(w)
}
