package desk

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/view"
)

// selection is what the address of a page selects. Its query has the names of the command line's flags, so that a
// person can turn an address into a command, and a command into an address.
type selection struct {
	view.Filter

	Query url.Values // only the filter's part
	// Nothing reports whether a form for selected letters was sent without any letter. Such a form must not select all
	// letters.
	Nothing bool
	Wrong   []string // parts that cannot be understood, as the person wrote them
}

// misread refuses a request whose filter has a part that cannot be understood, because without that part more letters
// would match. It also refuses a form for selected letters that was sent without a letter. It reports whether it
// refused the request.
func (d *desk) misread(w http.ResponseWriter, r *http.Request, s selection) bool {
	if s.Nothing {
		d.refuse(w, r, http.StatusBadRequest, "letters.nothing")
		return true
	}
	if len(s.Wrong) == 0 {
		return false
	}
	d.refuseWith(w, r, http.StatusBadRequest, "access.filter", errors.New(strings.Join(s.Wrong, ", ")))
	return true
}

// filterNames returns the flags of a filter, in the order in which they are shown. Headers are not among them: to save
// memory, a view keeps only the headers that were named when the view was created.
func filterNames() []string {
	return []string{"cause", "fingerprint", "code", "topic", "order", "state", "since", "until", "version", "id"}
}

// selectionOf reads a filter. Without a state or an id it selects open letters, as the commands do.
func selectionOf(query url.Values, now time.Time) selection {
	s := selection{Query: url.Values{}}
	for _, name := range filterNames() {
		for _, value := range query[name] {
			if value = strings.TrimSpace(value); value == "" {
				continue
			}
			if err := s.set(name, value, now); err != nil {
				s.Wrong = append(s.Wrong, name+":"+value)
				continue
			}
			s.Query.Add(name, value)
		}
	}
	s.Nothing = query.Has("selected") && len(s.IDs) == 0
	if len(s.States) == 0 && len(s.IDs) == 0 {
		s.States = []fold.State{fold.Open}
	}
	return s
}

// set reads one part of a filter. The names are those of the commands' flags, so that a filter can be copied between
// the desk and the command line.
func (s *selection) set(name, value string, now time.Time) (err error) {
	switch name {
	case "cause":
		s.Cause = value
	case "fingerprint":
		s.Fingerprint = value
	case "code":
		s.Code = value
	case "topic":
		s.Topic = value
	case "order":
		s.Orders = append(s.Orders, strings.Split(value, ",")...)
	case "state":
		return s.setStates(value)
	case "since":
		s.Since, err = view.ParseSince(value, now)
	case "until":
		s.Until, err = view.ParseSince(value, now)
	case "version":
		s.Version = value
		err = view.CheckVersion(value)
		if err != nil {
			s.Version = ""
		}
	case "id":
		var id ledger.ID
		if id, err = ledger.ParseID(value); err == nil {
			s.IDs = append(s.IDs, id)
		}
	}
	return err
}

func (s *selection) setStates(value string) error {
	for word := range strings.SplitSeq(value, ",") {
		switch {
		case word == "all":
			s.States = append(s.States, fold.States()...)
		case slices.Contains(fold.States(), fold.State(word)):
			s.States = append(s.States, fold.State(word))
		default:
			return fmt.Errorf("state %q is unknown", word)
		}
	}
	return nil
}

// State returns the state whose tab is selected: the filter's state, or open if the filter has none.
func (s *selection) State() string { return cmp.Or(s.Query.Get("state"), "open") }

// with returns the address of a view with one part of the filter set to another value; "" removes the part.
func (s *selection) with(path, name, value string) string {
	query := maps.Clone(s.Query)
	if value == "" {
		delete(query, name)
	} else {
		query[name] = []string{value}
	}
	return address(path, query)
}

// wholeCauses reports whether the filter selects either all or none of the open letters of each cause.
func (s *selection) wholeCauses() bool {
	for name := range s.Query {
		if name != "state" && name != "fingerprint" {
			return false
		}
	}
	return true
}

// address returns a path with a query, sorted by name.
func address(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// chip is one part of a filter, with the address of the view without that part.
type chip struct{ Text, Without string }

// Chips returns the parts of the filter except the state, which tabs show.
func (s *selection) Chips() []chip {
	var all []chip
	for _, name := range filterNames() {
		for i, value := range s.Query[name] {
			if name == "state" {
				continue // the tabs show it
			}
			query := maps.Clone(s.Query)
			query[name] = slices.Delete(slices.Clone(s.Query[name]), i, i+1)
			all = append(all, chip{name + ":" + value, address("/letters", query)})
		}
	}
	return all
}

// words parses what a person typed into the filter: letter ids, fingerprints, order ids, and parts of the form
// name:value. A value with spaces must be quoted.
func words(text string) url.Values {
	query := url.Values{}
	for _, word := range splitWords(text) {
		name, value, found := strings.Cut(word, ":")
		name = strings.TrimLeft(name, "-")
		switch id, err := ledger.ParseID(word); {
		case err == nil:
			query.Add("id", id.String())
		case strings.HasPrefix(word, "v1:"):
			query.Set("fingerprint", word)
		case found && value != "" && slices.Contains(filterNames(), name):
			query.Add(name, value)
		default:
			query.Add("order", word)
		}
	}
	return query
}

// splitWords splits text at spaces outside quotes, and drops the quotes.
func splitWords(text string) (all []string) {
	var word strings.Builder
	quote := rune(0)
	for _, r := range text + " " {
		switch {
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case r == quote:
			quote = 0
		case quote == 0 && r == ' ':
			if word.Len() > 0 {
				all = append(all, word.String())
			}
			word.Reset()
		default:
			word.WriteRune(r)
		}
	}
	if word.Len() > 0 { // a quote that was not closed
		all = append(all, strings.TrimSpace(word.String()))
	}
	return all
}

// command returns a command line with the same selection.
func (s *selection) command(verb string) string {
	f := s.Filter
	if s.Query.Get("state") == "" && len(s.IDs) == 0 {
		f.States = nil // open is the default
		if f.Empty() {
			f.States = []fold.State{fold.Open}
		}
	}
	return strings.TrimSpace("leadhit-sync " + verb + " " + f.String())
}
