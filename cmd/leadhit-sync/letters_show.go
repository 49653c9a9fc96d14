package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/config"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/view"
)

// shownLetter is a letter with the event of its newest record.
type shownLetter struct {
	view.Letter

	event   event.Record
	history []step
}

// step is one record of a letter, or one entry about it. Entries that did not count are steps too: they say who was
// second.
type step struct {
	At      time.Time `json:"at"`
	Event   string    `json:"event"` // of the entry; letter for a record
	By      string    `json:"by"`
	N       int       `json:"n"` // of the replay
	Counted bool      `json:"counted"`
	Reason  string    `json:"reason,omitempty"`
	Note    string    `json:"note,omitempty"`
	Newer   string    `json:"newer,omitempty"`
	Cause   string    `json:"cause,omitempty"`
	Run     string    `json:"run,omitempty"`
}

func (s step) text() string {
	text := cmp.Or(s.Reason, s.Note, s.Newer, s.Cause)
	if s.Run != "" {
		text = "run " + s.Run + " " + text
	}
	if !s.Counted {
		text = "without effect " + text
	}
	return text
}

// showCommand hides the value unless --reveal is given: terminals are recorded, and screens are shared. Of letters with
// one id it shows the newest record.
func showCommand() *cobra.Command {
	var s showing
	c := &cobra.Command{
		Use: "show ID", Short: "Show one dead letter, such as orders/3/118273",
		Long: `Show everything about one dead letter, except the event's value.

--reveal and -o raw show the value, which may contain personal data. They need a reason,
and first record in the ledger who looks at the value. -o raw prints the value's bytes
and nothing else.`,
		Example: `  leadhit-sync letters show orders/3/118273 --history
  leadhit-sync letters show orders/3/118273 --reveal --reason "shop asks" -o json
  leadhit-sync letters show orders/3/118273 -o raw --reason "shop asks" > event.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := letterID(args[0])
			if err != nil {
				return err
			}
			return s.show(c, id)
		},
	}
	outputFlag(c, &s.output, "yaml", "raw")
	f := c.Flags()
	f.BoolVar(&s.everyGroup, "all-groups", false, "include letters of other groups that share the topic")
	f.BoolVar(&s.history, "history", false, "also print each failure of the letter and each entry about it")
	f.BoolVar(&s.reveal, "reveal", false, "also print the event's value, which may contain personal data")
	s.operator.add(c, "why you look at the value")
	return c
}

// showing are the flags of show.
type showing struct {
	output                      outputForm
	reveal, history, everyGroup bool
	operator                    operatorFlags
}

func (s *showing) show(c *cobra.Command, id ledger.ID) error {
	reveal := s.reveal || s.output == "raw"
	revealed := ledger.Entry{Event: ledger.LetterRevealed, ID: id.String()}
	if reveal {
		if err := s.operator.sign(&revealed); err != nil {
			return err
		}
	}
	var steps []step
	collect := func(r *lettersReader) {
		if s.history {
			r.collect(id, &steps)
		}
	}
	return withLetters(c.Context(), c.ErrOrStderr(), view.Filter{},
		func(ctx context.Context, settings *config.Config, r *lettersReader) error {
			shown, err := showOne(ctx, r, id, s.everyGroup)
			if err != nil {
				return err
			}
			if s.history {
				shown.history = sorted(steps)
			}
			if reveal {
				entries := aboutEach([]view.Letter{shown.Letter}, revealed)
				if err := writeEntries(ctx, settings, r.cluster, entries...); err != nil {
					return fmt.Errorf("the value is not shown: %w", err)
				}
			}
			return shown.write(c, s.output, reveal)
		}, collect)
}

// showOne finds a letter and reads its record.
func showOne(ctx context.Context, r *lettersReader, id ledger.ID, everyGroup bool) (shownLetter, error) {
	for l := range r.view.Letters(view.Filter{IDs: []ledger.ID{id}, AllGroups: everyGroup}) {
		read, err := r.record(ctx, l)
		return shownLetter{Letter: l, event: read.Record}, err
	}
	return shownLetter{}, absentLetter(r.view, id)
}

// absentLetter is the error about an id without a letter of the group.
func absentLetter(v *view.View, id ledger.ID) error {
	l, found := v.Find(id)
	switch {
	case !found:
		return fmt.Errorf("no letter %s: it may have expired; \"letters list\" shows the ids", id)
	case !l.Ledger.Known:
		return fmt.Errorf("letter %s expired; by the ledger it is %s", id, l.Ledger.State)
	default:
		return fmt.Errorf("letter %s belongs to group %q: set KAFKA_GROUP, or show it with --all-groups", id, l.Group)
	}
}

// write prints the letter in a form.
func (l shownLetter) write(c *cobra.Command, output outputForm, reveal bool) error {
	w := c.OutOrStdout()
	switch output {
	case "json":
		return printJSON(w, l.json(reveal), "  ")
	case "yaml":
		return printYAML(w, l.json(reveal))
	case "raw":
		if l.Omitted != nil {
			return fmt.Errorf("letter %s: the value was too large for the topic: read it at %s", l.ID(), l.ID())
		}
		if l.event.Value == nil {
			return errors.New("the event has no value: it is a tombstone")
		}
		_, err := w.Write(l.event.Value)
		return err
	}
	return l.print(w, reveal)
}

// collect gathers the steps of a letter while the topics are read.
func (r *lettersReader) collect(id ledger.ID, steps *[]step) {
	r.onLetter = func(record event.Record, l deadletter.Letter) {
		if l.ID() == id.String() {
			at := l.FailedAt
			if at.IsZero() {
				at = record.Time
			}
			*steps = append(*steps, step{
				At: at, Event: "letter", By: l.Group + " " + l.Version, N: l.ReplayCount, Counted: true, Cause: l.Cause,
				Run: l.ReplayRun,
			})
		}
	}
	r.onEntry = func(e ledger.Entry, counted bool) {
		if e.ID == id.String() {
			*steps = append(*steps, step{
				At: e.At, Event: string(e.Event), By: e.By, N: e.N, Counted: counted || e.Event == ledger.LetterRevealed,
				Reason: e.Reason, Note: e.Note, Newer: e.Newer, Cause: e.Cause, Run: e.Run,
			})
		}
	}
}

// sorted orders steps by time. Those of one topic keep its order if their clocks agree; the ledger's order decides what
// counted, whatever the clocks say.
func sorted(steps []step) []step {
	slices.SortStableFunc(steps, func(a, b step) int { return a.At.Compare(b.At) })
	return append([]step{}, steps...)
}
