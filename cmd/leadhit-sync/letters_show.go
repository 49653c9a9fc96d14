package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/operator/life"
	"leadhit-sync/deadletter/view"
)

// shownLetter is a letter, with its history if that was requested.
type shownLetter struct {
	operator.Letter

	history []historyStep
}

// historyStep is one record of the letter, or one entry about it. Entries that did not count are steps too, because
// they show who came second.
type historyStep struct {
	At    time.Time `json:"at"`
	Event string    `json:"event"` // of the entry; "letter" for a record
	By    string    `json:"by"`
	N     int       `json:"n"` // the number of the replay
	// Counted is false for an entry that changed nothing, such as the second of two replays.
	Counted bool   `json:"counted"`
	Reason  string `json:"reason,omitempty"`
	Note    string `json:"note,omitempty"`
	Newer   string `json:"newer,omitempty"`
	Cause   string `json:"cause,omitempty"`
	Run     string `json:"run,omitempty"`
}

// historyOf turns the steps of a letter into their JSON form. group is the letter's group.
func historyOf(group string, steps []life.Step) []historyStep {
	all := make([]historyStep, len(steps))
	for i, s := range steps {
		all[i] = historyStep{s.At, s.What, s.By, s.Replay, s.Counted, s.Reason, s.Note, s.Newer, s.Cause, s.Run}
		if s.What == "letter" {
			all[i].By = group + " " + s.Version
		}
	}
	return all
}

// stepText prefers the reason, because a person wrote it. A worker wrote the other texts.
func stepText(s historyStep) string {
	text := cmp.Or(s.Reason, s.Note, s.Newer, s.Cause)
	if s.Run != "" {
		text = "run " + s.Run + " " + text
	}
	if !s.Counted {
		text = "without effect " + text
	}
	return text
}

// showCommand hides the value unless --reveal is given, because terminals are recorded, and screens are shared. If
// several records have the id, it shows the newest one.
func showCommand() *cobra.Command {
	var s showing
	c := &cobra.Command{
		Use: "show ID", Short: "Show one dead letter, such as orders/3/118273",
		Long: `Show everything about one dead letter, except the event's value.

--reveal and -o raw show the value, which may contain personal data. They need a reason.
Before they show the value, they record in the ledger who looks at it. -o raw prints the
value's bytes and nothing else.`,
		Example: `  leadhit-sync letters show orders/3/118273 --history
  leadhit-sync letters show orders/3/118273 --reveal --reason "the shop asked" -o json
  leadhit-sync letters show orders/3/118273 -o raw --reason "the shop asked" > event.json`,
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
	f.BoolVar(&s.everyGroup, "all-groups", false, "include letters of other consumer groups that share the topic")
	f.BoolVar(&s.history, "history", false, "also print each failure of the letter and each ledger entry about it")
	f.BoolVar(&s.reveal, "reveal", false, "also print the event's value, which may contain personal data")
	s.operator.add(c, "why you need to see the value")
	return c
}

// showing holds the flags of "letters show".
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
	index := func(r *operator.Reader) {
		if s.history {
			r.Index()
		}
	}
	return withLetters(c.Context(), c.ErrOrStderr(), view.Filter{},
		func(ctx context.Context, r *operator.Reader) error {
			shown, err := s.read(ctx, r, id)
			if err != nil {
				return err
			}
			// The entry is written first, so that the ledger has an entry for every value that is shown.
			if reveal {
				entries := operator.AboutEach([]view.Letter{shown.Letter.Letter}, revealed)
				if err := r.Write(ctx, entries...); err != nil {
					return fmt.Errorf("the value is not shown: %w", err)
				}
			}
			return shown.write(c, s.output, reveal)
		}, index)
}

// read finds the letter, and reads its history if that was requested.
func (s *showing) read(ctx context.Context, r *operator.Reader, id ledger.ID) (shownLetter, error) {
	found, err := r.Find(ctx, id, s.everyGroup)
	if err != nil || !s.history {
		return shownLetter{Letter: found}, err
	}
	steps, err := r.HistoryOf(ctx, found.Letter)
	return shownLetter{found, historyOf(found.Group, steps)}, err
}

// write prints the letter in the requested form.
func (l shownLetter) write(c *cobra.Command, output outputForm, reveal bool) error {
	w := c.OutOrStdout()
	switch output {
	case "json":
		return printJSON(w, l.json(reveal), "  ")
	case "yaml":
		return printYAML(w, l.json(reveal))
	case "raw":
		if l.Omitted != nil {
			return fmt.Errorf("letter %s: the value was too large for the dead-letter topic; "+
				"read it in the event's own topic, at %s", l.ID(), l.Place.ID())
		}
		if l.Event.Value == nil {
			return errors.New("the event has no value: it is a tombstone")
		}
		_, err := w.Write(l.Event.Value)
		return err
	}
	return l.print(w, reveal)
}
