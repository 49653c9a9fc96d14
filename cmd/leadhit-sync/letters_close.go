package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/view"
)

func dismissCommand() *cobra.Command {
	var q filterFlags
	var o operatorFlags
	var output outputForm
	var yes bool
	c := &cobra.Command{
		Use: "dismiss [ID…]", Short: "Close dead letters that nobody needs",
		Long: `Close dead letters that nobody needs. They are not sent to LeadHit. "letters reopen"
opens them again.

Give ids or a filter; --state open selects all open letters. To dismiss more than 25
letters, type how many there are when asked, or give --yes. Without a terminal, --yes
is required for any number. The exit code is 3 if somebody else changed some of the
letters first.`,
		Example: `  leadhit-sync letters dismiss orders/3/118273 --reason "test order"
  leadhit-sync letters dismiss --cause NotJSON --until 7d --reason "shop resent them" --yes`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			filter, empty, err := q.parse(args)
			if err != nil {
				return err
			}
			// An empty filter would match every letter, and a forgotten flag must not close them all.
			if empty {
				return usageError{errors.New("nothing selected: give ids or a filter; --state open selects all open letters")}
			}
			says := ledger.Entry{Event: ledger.LetterDismissed}
			if err := o.sign(&says); err != nil {
				return err
			}
			return changeLetters(c, filter, says, output, func(n, orders int) error {
				question := fmt.Sprintf("dismiss %s of %s?", count(n, "letter"), count(orders, "order"))
				return confirm(c, n, yes, question)
			})
		},
	}
	q.add(c)
	o.add(c, "why nobody needs the letters (required)")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	outputFlag(c, &output)
	return c
}

func reopenCommand() *cobra.Command {
	var o operatorFlags
	var output outputForm
	c := &cobra.Command{
		Use: "reopen ID…", Short: "Reopen closed dead letters",
		Long: `Reopen dead letters that are dismissed, resolved or superseded, so that they can be
replayed. The exit code is 3 if some of them were no longer closed.`,
		Example: `  leadhit-sync letters reopen orders/3/118273 --reason "dismissed by mistake"`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var q filterFlags
			filter, _, err := q.parse(args)
			if err != nil {
				return err
			}
			says := ledger.Entry{Event: ledger.LetterReopened}
			if err := o.sign(&says); err != nil {
				return err
			}
			// There is no confirmation, because an open letter changes nothing until it is replayed or dismissed.
			return changeLetters(c, filter, says, output, func(int, int) error { return nil })
		},
	}
	o.add(c, "why the letters are needed (required)")
	outputFlag(c, &output)
	return c
}

// changes is the JSON form of what dismiss and reopen did.
type changes struct {
	Schema  string       `json:"schema"` // changes.v1
	Event   ledger.Event `json:"event"`
	By      string       `json:"by"`
	Reason  string       `json:"reason"`
	Counted int          `json:"counted"` // letters that the command changed
	Letters []closedView `json:"letters"`
}

// closedView is one letter in changes. If the entry did not count, State and First say which earlier entry did, and who
// wrote it.
type closedView struct {
	ID      string `json:"id"`
	OrderID string `json:"order_id"`
	// Counted is false if the entry changed nothing, because another entry came first.
	Counted bool       `json:"counted"`
	State   fold.State `json:"state"` // after the command
	First   string     `json:"first,omitempty"`
}

// changeLetters writes an entry about each letter, and reads the ledger back to see which entries counted. Letters that
// an entry cannot change are left alone and reported.
func changeLetters(c *cobra.Command, filter view.Filter, says ledger.Entry, output outputForm,
	ask func(letters, orders int) error,
) error {
	return withLetters(c.Context(), c.ErrOrStderr(), filter,
		func(ctx context.Context, r *operator.Reader) error {
			letters, err := r.Select(filter)
			if err != nil {
				return err
			}
			entries := operator.Changing(letters, says)
			if len(entries) > 0 {
				err = ask(len(entries), ordersOf(entries))
			}
			if err != nil {
				return err
			}
			counted, err := r.Change(ctx, entries...)
			if err != nil {
				return err
			}
			return reportChanges(c, r.View, letters, says, counted, output)
		})
}

// ordersOf returns the number of orders in the entries. Letters without an order count as one order.
func ordersOf(entries []ledger.Entry) int {
	orders := map[string]bool{}
	for _, e := range entries {
		orders[e.Order] = true
	}
	return len(orders)
}

// reportChanges prints how many letters were changed, and who changed the others first.
func reportChanges(c *cobra.Command, v *view.View, letters []view.Letter, says ledger.Entry, counted map[string]bool,
	output outputForm,
) error {
	did := changes{
		Schema: "changes.v1", Event: says.Event, By: says.By, Reason: says.Reason, Counted: len(counted),
		Letters: []closedView{},
	}
	for _, l := range letters {
		id, _ := ledger.ParseID(l.ID()) // cannot fail: the id comes from the view
		is, _ := v.Find(id)
		one := closedView{ID: l.ID(), OrderID: l.OrderID, Counted: counted[l.ID()], State: is.Ledger.State}
		if !one.Counted {
			one.First = operator.FirstWith(is)
		}
		did.Letters = append(did.Letters, one)
	}
	if err := output.print(c.OutOrStdout(), did, did.print); err != nil {
		return err
	}
	if left := len(letters) - len(counted); left > 0 {
		return codedError{exitPartly, fmt.Errorf("%d of %s not %s", left, count(len(letters), "letter"), says.Event)}
	}
	return nil
}

// print lists only the letters that were not changed, because the operator who selected the letters knows the others.
func (d changes) print(w io.Writer) error {
	var p terminal.Page
	p.Line("%s %s", d.Event, count(d.Counted, "letter"))
	for _, l := range d.Letters {
		if !l.Counted {
			p.Row("-", l.ID, "not "+string(d.Event), l.First)
		}
	}
	return p.Print(w)
}
