package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/view"
)

// foundLetters is what "letters list" found.
type foundLetters struct {
	Letters []view.Letter
	Read    int // records in the topic
	Matched int // records of letters that match; a letter that was stored twice counts twice
	Total   int // letters that match
	Broken  int // records that are not letters or cannot be read

	// Causes and Topics count the records of all letters, and Newest is when the last letter failed, whatever the
	// filter. They help a user whose filter matches nothing.
	Causes, Topics map[string]int
	Newest         time.Time
	// Elsewhere counts matching letters of other groups, by group. If no state was requested, Hidden counts, by state,
	// the letters that match except for their state.
	Elsewhere map[string]int
	Hidden    map[fold.State]int
	// Which describes the letters that are within the limit; empty means the newest.
	Which string
}

func listCommand() *cobra.Command {
	var q filterFlags
	var output outputForm
	var limit int
	var watching bool
	order := sortFlag("-failed")
	c := &cobra.Command{
		Use: "list", Short: "List the newest dead letters",
		Long: `List dead letters, newest first. Without --state it lists the open ones.

Whatever the filter, the whole topic is read: Kafka has no index of causes or orders. So a
large topic takes time, and about 500 bytes of memory for each letter.`,
		Example: `  leadhit-sync letters list --cause ValidationError --since 24h
  leadhit-sync letters list --order 4711 --state all -o json
  leadhit-sync letters list --version '<1.9.0' --header 'shop=north*' -o name`,
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 1 {
				return usageError{errors.New("--limit must be 1 or more")}
			}
			filter, _, err := q.parse(nil)
			if err != nil {
				return err
			}
			return withLetters(c.Context(), c.ErrOrStderr(), filter,
				func(ctx context.Context, r *operator.Reader) error {
					look := func() foundLetters { return listLetters(r.View, filter, len(q.states) == 0, limit, order) }
					if watching {
						return watchStatus(ctx, c.OutOrStdout(), output, func(ctx context.Context, w io.Writer, on screen) error {
							if err := r.Refresh(ctx); err != nil {
								return err
							}
							return look().printOn(w, output, on)
						})
					}
					found := look()
					found.hints(c.ErrOrStderr())
					return found.print(c.OutOrStdout(), output)
				})
		},
	}
	q.add(c)
	q.allGroupsFlag(c)
	f := c.Flags()
	f.IntVar(&limit, "limit", 50, "number of letters to list")
	f.Var(&order, "sort", "failed, expires or order; a minus in front sorts in reverse")
	f.BoolVarP(&watching, "watch", "w", false, "refresh every two seconds, until Ctrl-C")
	outputFlag(c, &output, linesForms()...)
	return c
}

// sortFlag is the value of --sort.
type sortFlag string

// Set parses the flag.
func (s *sortFlag) Set(text string) error {
	if !slices.Contains([]string{"failed", "expires", "order"}, strings.TrimPrefix(text, "-")) {
		return errors.New("want failed, expires or order, or one of them with a minus in front")
	}
	*s = sortFlag(text)
	return nil
}

// String returns the value.
func (s *sortFlag) String() string { return string(*s) }

// Type returns the name of the value in the help.
func (s *sortFlag) Type() string { return "string" }

// listLetters lists the first letters in the given order. byDefault says that the user chose no states, so the filter
// has the default ones.
func listLetters(v *view.View, f view.Filter, byDefault bool, limit int, order sortFlag) foundLetters {
	list := v.List(f, view.Sort(order), limit)
	found := foundLetters{
		Letters: list.Letters, Read: v.Read, Broken: v.Malformed, Total: list.Total, Matched: list.Records,
		Causes: mostNames(list.Causes), Topics: mostNames(list.Topics), Newest: list.Newest,
	}
	if !f.AllGroups {
		found.Elsewhere = v.Elsewhere(f)
	}
	if byDefault {
		found.Hidden = list.States
		maps.DeleteFunc(found.Hidden, func(s fold.State, _ int) bool { return slices.Contains(f.States, s) })
	}
	if order != "-failed" {
		found.Which = "sorted by " + string(order)
	}
	return found
}

// mostNames returns the counts of the most frequent names. If there are too many names, it counts the others together,
// because any program that writes to the topic can add names.
func mostNames(counts map[string]int) map[string]int {
	const most = 100
	if len(counts) <= most {
		return counts
	}
	kept := map[string]int{}
	for i, name := range mostFrequent(counts) {
		if i >= most {
			kept["others"] += counts[name]
			continue
		}
		kept[name] = counts[name]
	}
	return kept
}

// hints writes to stderr what is not shown, so that JSON on stdout stays valid.
func (found foundLetters) hints(stderr io.Writer) {
	for _, group := range slices.Sorted(maps.Keys(found.Elsewhere)) {
		_, _ = fmt.Fprintf(stderr, "not shown: %s of group %s; --all-groups shows them\n",
			count(found.Elsewhere[group], "letter"), terminal.Quote(group))
	}
	if len(found.Hidden) > 0 {
		_, _ = fmt.Fprintf(stderr, "not shown: %s; --state all shows them\n", stateCounts(found.Hidden))
	}
}

// stateCounts lists counts by state, such as "2 requeued, 7 resolved".
func stateCounts(counts map[fold.State]int) string {
	var parts []string
	for _, state := range fold.States() {
		if counts[state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[state], state))
		}
	}
	return strings.Join(parts, ", ")
}

// print writes the letters in the requested form.
func (found foundLetters) print(w io.Writer, output outputForm) error {
	var each []any
	var names []string
	for _, l := range found.Letters {
		each = append(each, letterLine{lettersSchema, viewLetter(l)})
		names = append(names, l.ID())
	}
	return output.printList(w, found.json(), each, names, func(w io.Writer) error { return lettersPage(found).Print(w) })
}

// printOn prints as many letters as fit on the screen.
func (found foundLetters) printOn(w io.Writer, output outputForm, on screen) error {
	if on.columns == 0 {
		return found.print(w, output)
	}
	lines := lettersPage(found).Lines(on.columns)
	_, err := io.WriteString(w, strings.Join(lines[:min(len(lines), on.lines)], "\n")+"\n")
	return err
}
