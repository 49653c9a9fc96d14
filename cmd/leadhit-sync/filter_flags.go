package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/view"
)

// filterFlags holds the flags that select letters, for commands that work on several letters.
type filterFlags struct {
	filter       view.Filter
	states       []string
	since, until sinceFlag
	headers      []string
}

// add adds the flags to a command.
func (f *filterFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.filter.Cause, "cause", "", "only this cause, such as ValidationError")
	flags.StringVar(&f.filter.Topic, "topic", "", "only events of this topic")
	flags.StringVar(&f.filter.Fingerprint, "fingerprint", "", "only this fingerprint, such as v1:9f2c41d07ab3")
	flags.StringVar(&f.filter.Code, "code", "", "only this error code (JSON-RPC) or HTTP status")
	flags.StringSliceVar(&f.filter.Orders, "order", nil, "only these order ids: ID,…")
	flags.StringSliceVar(&f.states, "state", nil,
		"only these states: open, requeued, resolved, superseded, dismissed; or all (default open)")
	flags.Var(&f.since, "since", "only letters since this time: 24h, 7d or an RFC 3339 time")
	flags.Var(&f.until, "until", "only letters before this time, in the form of --since")
	flags.StringVar(&f.filter.Version, "version", "", "only letters of these worker versions, such as '<1.9.0'")
	flags.StringArrayVar(&f.headers, "header", nil, "only events with this header: name=pattern, where * is any text")
}

// allGroupsFlag adds --all-groups, which includes the letters of other groups. Only commands that change no letter have
// this flag. To change a letter of another group, run a command with the KAFKA_GROUP of that group.
func (f *filterFlags) allGroupsFlag(c *cobra.Command) {
	c.Flags().BoolVar(&f.filter.AllGroups, "all-groups", false,
		"include letters of other consumer groups that share the topic")
}

// parse returns the filter that the flags and ids describe. It selects open letters unless a state or ids are given.
// empty is true if neither a flag nor an id selects anything. All errors are usage errors.
func (f *filterFlags) parse(ids []string) (filter view.Filter, empty bool, err error) {
	filter = f.filter
	filter.Since, filter.Until = f.since.from, f.until.from
	if filter.Version != "" {
		if err := view.CheckVersion(filter.Version); err != nil {
			return filter, false, usageError{fmt.Errorf("--version %q: %w", filter.Version, err)}
		}
	}
	if filter.States, err = statesOf(f.states); err != nil {
		return filter, false, usageError{err}
	}
	if filter.Headers, err = headersOf(f.headers); err != nil {
		return filter, false, usageError{err}
	}
	for _, text := range ids {
		id, err := letterID(text)
		if err != nil {
			return filter, false, err
		}
		filter.IDs = append(filter.IDs, id)
	}
	empty = filter.Empty()
	if len(filter.States) == 0 && len(filter.IDs) == 0 {
		filter.States = []fold.State{fold.Open}
	}
	return filter, empty, nil
}

// statesOf expands the word "all", so that the rest of the program only sees states.
func statesOf(words []string) (states []fold.State, err error) {
	for _, word := range words {
		switch {
		case word == "all":
			states = append(states, fold.States()...)
		case slices.Contains(fold.States(), fold.State(word)):
			states = append(states, fold.State(word))
		default:
			return nil, fmt.Errorf("--state %q: want %s", word, either(append(stateWords(), "all")))
		}
	}
	return states, nil
}

func stateWords() []string {
	var words []string
	for _, state := range fold.States() {
		words = append(words, string(state))
	}
	return words
}

// headersOf shows no value in its error, because a header may contain personal data, and errors end up in logs.
func headersOf(patterns []string) (map[string]string, error) {
	var headers map[string]string
	for _, text := range patterns {
		name, pattern, found := strings.Cut(text, "=")
		if !found || name == "" {
			return nil, errors.New("--header: want name=pattern")
		}
		if headers == nil {
			headers = map[string]string{}
		}
		headers[name] = pattern
	}
	return headers, nil
}

// letterID parses a letter's id. A common mistake is to give the order's id. The check costs nothing, while a search
// would read the whole topic and find no letter.
func letterID(text string) (ledger.ID, error) {
	id, err := ledger.ParseID(text)
	if err != nil {
		return id, usageError{fmt.Errorf("%q is not a letter's id: want TOPIC/PARTITION/OFFSET, such as orders/3/118273; "+
			"\"letters list --order ID\" shows the letters of one order", text)}
	}
	return id, nil
}
