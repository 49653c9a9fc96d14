package mapping_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
)

// A platform lists what the preset for a platform must do with that platform's events. The list is based on the
// vendor's vocabulary and not on the preset. It has one event with placeholders for id and status, every status with
// its verdict, and the events that need a case of their own.
type platform struct {
	preset  string
	key     string
	headers map[string]string
	// Event is JSON in which %id% stands for the id as a JSON value and %st% for the status as text.
	event string
	// ID is the id of the event, as a JSON value. If it is empty, the id is "10042" in quotes.
	id string
	// Prefix is what every id must start with, if the preset requires one.
	prefix string
	// Submitted, paid and ignore list the statuses with the verdict of that name. If numbers is true, the platform sends
	// the statuses as JSON numbers too.
	submitted, paid, ignore []string
	numbers                 bool
	// Unknown is the verdict for an unknown status. Missing is the verdict for an event without a status.
	unknown, missing string
	// Name is the event's name. NameHeader is the header that contains it, or empty if the value contains it. Read, aside
	// and strange list other names. An event whose name is in read is judged like event. An event whose name is in aside
	// is ignored, and an event whose name is in strange is refused. Empty names are refused too, and so are quoted ones,
	// except in a header.
	name, nameHeader     string
	read, aside, strange []string
	// Off is an event with the same name that is ignored for another reason. With a strange name it is refused.
	off string
	// Reads lists the expected values of fields on which no verdict depends.
	reads map[string]string
	more  []variant
}

// variant is an event from a platform and its verdict: "paid 10042", "ignore" or "refuse UnknownStatus". "refuse" alone
// means any cause. The verdicts for several orders in one event are separated by "; ".
type variant struct {
	name    string
	key     string
	headers map[string]string
	value   string
	want    string
	// Says is text that the refusal's message must contain.
	says  string
	reads map[string]string
}

const (
	unknownStatus = "refuse UnknownStatus"
	missingStatus = "refuse MissingStatus"
	missingID     = "refuse MissingOrderID"
	badID         = "refuse BadOrderID"
	fieldError    = "refuse FieldError"
	byRule        = "refuse RuleRefused"
)

func platforms() []platform {
	return slices.Concat(shops(), services(), markets(), tables(), houses(), framed())
}

// fill returns the platform's event with the given status and id. The id is a JSON value.
func (p platform) fill(id, status string) string {
	return strings.NewReplacer("%id%", id, "%st%", status).Replace(p.event)
}

// literal returns the id of the platform's event as JSON, and text returns the id as it is sent.
func (p platform) literal() string { return or(p.id, `"`+p.prefix+`10042"`) }
func (p platform) text() string    { return strings.Trim(p.literal(), `"`) }

// known returns a status that is sent, and its verdict without the id.
func (p platform) known() (status, verdict string) {
	switch {
	case len(p.paid) > 0:
		return p.paid[0], "paid"
	case len(p.submitted) > 0:
		return p.submitted[0], "submitted"
	}
	return "anything", "anything"
}

// events returns all events that the preset is tested with.
func (p platform) events() []variant {
	all := slices.Concat(p.statuses("submitted", p.submitted), p.statuses("paid", p.paid), p.statuses("ignore", p.ignore))
	if p.event != "" {
		all = append(all, p.ids()...)
	}
	if strings.Contains(p.event, `"%st%"`) {
		value := strings.ReplaceAll(p.fill(p.literal(), "%st%"), `"%st%"`, "null")
		all = append(all, p.asked("no status", value, or(p.missing, missingStatus)))
	}
	if p.reads != nil {
		status, verdict := p.known()
		e := p.asked("fields that no verdict depends on", p.fill(p.literal(), status), verdict+" "+p.text())
		e.reads = p.reads
		all = append(all, e)
	}
	all = append(all, p.names()...)
	for _, e := range p.more {
		if e.headers == nil {
			e.headers = p.headers
		}
		all = append(all, e)
	}
	return all
}

// names returns events with all kinds of names.
func (p platform) names() []variant {
	if p.name == "" {
		return nil
	}
	status, verdict := p.known()
	p.name = strings.ReplaceAll(p.name, "%st%", status)
	var all []variant
	for _, name := range p.read {
		all = append(all, p.named(name, verdict+" "+p.text()))
	}
	for _, name := range p.aside {
		all = append(all, p.named(name, "ignore"))
	}
	strange := slices.Concat(p.strange, []string{"", p.name + "x", "null", strings.Repeat("x", 300)})
	if quoted := strconv.Quote(p.name); p.nameHeader == "" {
		strange = append(strange, quoted)
	} else {
		all = append(all, p.named(quoted, verdict+" "+p.text()))
	}
	if p.off != "" {
		all = append(all, p.asked("off", p.off, "ignore"))
		all = append(all, p.renamed(p.off, "strange", byRule))
	}
	for _, name := range strange {
		e := p.named(name, byRule)
		e.says = strconv.Quote(name)
		switch {
		case len(name) > 80:
			e.says = name[:70]
		case name == "" && p.preset == "saleor":
			e.says = "(null or empty)" // the name has several sources
		}
		all = append(all, e)
	}
	return all
}

// named returns the example event with the given name.
func (p platform) named(name, want string) variant {
	status, _ := p.known()
	return p.renamed(p.fill(p.literal(), status), name, want)
}

// renamed returns an event with its name replaced.
func (p platform) renamed(value, name, want string) variant {
	e := p.asked("name "+name, value, want)
	if p.nameHeader == "" {
		before := `"` + p.name + `"`
		if !strings.Contains(e.value, before) {
			panic("the example of " + p.preset + " is not named " + before)
		}
		e.value = strings.Replace(e.value, before, strconv.Quote(name), 1)
		return e
	}
	e.headers = maps.Clone(p.headers)
	e.headers[p.nameHeader] = name
	return e
}

// asked returns an event with the platform's key and headers.
func (p platform) asked(name, value, want string) variant {
	return variant{name: name, key: p.key, headers: p.headers, value: value, want: want}
}

// statuses returns events with each of the given statuses, which all have the same verdict.
func (p platform) statuses(verdict string, statuses []string) []variant {
	var all []variant
	for _, status := range statuses {
		want, value := verdict, p.fill(p.literal(), status)
		if verdict == "ignore" {
			// An ignored event needs no id.
			all = append(all, p.asked("ignored "+status+" without an id", p.fill("null", status), want))
		} else {
			want += " " + p.text()
		}
		all = append(all, p.asked("status "+status, value, want))
		if p.numbers {
			number := strings.ReplaceAll(value, `"`+status+`"`, status)
			all = append(all, p.asked("status "+status+" as a number", number, want))
		}
	}
	return all
}

// ids returns events with ids that must be sent unchanged, and events with ids that must be refused.
func (p platform) ids() []variant {
	var all []variant
	status, verdict := p.known()
	add := func(name, id, want string) {
		all = append(all, p.asked("id "+name, p.fill(id, status), want))
	}
	for _, id := range []string{"000123", "#1001", "ИМ-2026/№ 395", " spaces kept ", strings.Repeat("x", 200)} {
		switch id = p.prefix + id; {
		case p.preset == "debezium-numeric-id" && id != "000123":
			add(id, `"`+id+`"`, badID)
		default:
			add(id, `"`+id+`"`, verdict+" "+id)
		}
	}
	for _, id := range []string{"9007199254740993", "18446744073709551616"} {
		if p.prefix != "" {
			add(id, id, badID)
			continue
		}
		add(id, id, verdict+" "+id)
	}
	for _, id := range []string{"1001.0", "1e3", "true"} {
		add(id, id, badID)
	}
	for _, id := range []string{"{}", "[]"} {
		if p.preset == "debezium" { // its rule about repeats reads the id too
			add(id, id, fieldError)
			continue
		}
		add(id, id, badID)
	}
	add("empty", `""`, "refuse")
	add("null", "null", missingID)
	return all
}

// strangers returns invented statuses that no vendor uses.
func strangers(preset string) []string {
	var seed uint64
	for _, c := range []byte(preset) {
		seed = seed*31 + uint64(c)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	statuses := make([]string, 10)
	for i := range statuses {
		letters := make([]byte, 4+random.IntN(12))
		for j := range letters {
			letters[j] = "abcdefghijklmnopqrstuvwxyz_-"[random.IntN(28)]
		}
		statuses[i] = "q" + string(letters) + "q"
	}
	return statuses
}

func TestAPresetGivesEveryStatusOfItsPlatformItsVerdict(t *testing.T) {
	t.Parallel()
	for _, p := range platforms() {
		t.Run(p.preset, func(t *testing.T) {
			t.Parallel()
			m := bound(t, p.preset)
			for _, e := range p.events() {
				if problem := e.differs(t.Context(), m); problem != "" {
					t.Errorf("%s: %s\n%s", e.name, problem, e.value)
				}
			}
		})
	}
}

func TestAPresetRefusesUnknownStatuses(t *testing.T) {
	t.Parallel()
	for _, p := range platforms() {
		if !strings.Contains(p.event, "%st%") {
			continue
		}
		t.Run(p.preset, func(t *testing.T) {
			t.Parallel()
			m := bound(t, p.preset)
			for _, status := range strangers(p.preset) {
				want := or(p.unknown, unknownStatus)
				if p.preset == "plain" {
					want = status + " " + p.text()
				}
				e := variant{key: p.key, headers: p.headers, value: p.fill(p.literal(), status), want: want}
				if problem := e.differs(t.Context(), m); problem != "" {
					t.Errorf("status %q: %s", status, problem)
				}
			}
		})
	}
}

func TestEveryPresetIsTestedAndNamesItsIDs(t *testing.T) {
	t.Parallel()
	var asked []string
	for _, p := range platforms() {
		asked = append(asked, p.preset)
	}
	slices.Sort(asked)
	files, err := filepath.Glob("presets/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("(?m)^- name: [a-z0-9-]+\n  description: \".*order id: .*`.+\"$")
	var stored []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		stored = append(stored, name)
		if !named.Match(text) {
			t.Errorf("%s: got no description that names the choice of the order id, want one on a single line", name)
		}
	}
	slices.Sort(stored)
	if !slices.Equal(asked, stored) {
		t.Errorf("got tables for %q, want one for each of %q", asked, stored)
	}
}

// differs returns what is wrong with the verdict on the event, or "".
func (e variant) differs(ctx context.Context, m *mapping.Mapping) string {
	record := event.Record{Place: event.Place{Topic: "orders"}, Value: []byte(e.value)}
	if e.key != "" {
		record.Key = []byte(e.key)
	}
	for _, name := range slices.Sorted(maps.Keys(e.headers)) {
		record.Headers = append(record.Headers, event.Header{Key: name, Value: []byte(e.headers[name])})
	}
	items, err := m.Decode(ctx, record)
	if err != nil {
		return "got error " + err.Error()
	}
	got := inWords(items)
	if got != e.want && (e.want != "refuse" || !strings.HasPrefix(got, "refuse ")) {
		return fmt.Sprintf("got %s (%s), want %s", got, items[0].Message, e.want)
	}
	if !strings.Contains(items[0].Message, e.says) {
		return fmt.Sprintf("got the message %q, want %q in it", items[0].Message, e.says)
	}
	return e.misread(ctx, m, record)
}

// inWords returns the items in the notation that the tables use for verdicts.
func inWords(items []event.Item) string {
	var words []string
	for _, o := range items {
		switch o.Action {
		case event.Call:
			words = append(words, o.Status+" "+o.OrderID)
		case event.Ignore:
			words = append(words, "ignore")
		case event.Refuse:
			words = append(words, "refuse "+o.Cause)
		}
	}
	return strings.Join(words, "; ")
}

// bound loads the preset for the topic orders, which all tables use.
func bound(t *testing.T, preset string) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Load(mapping.Options{Source: preset, Topics: []string{"orders"}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

// misread describes the first field with a wrong value. It returns "" if all values are right.
func (e variant) misread(ctx context.Context, m *mapping.Mapping, record event.Record) string {
	if e.reads == nil {
		return ""
	}
	explanation, err := m.Explain(ctx, record)
	if err != nil {
		return "got error " + err.Error()
	}
	for _, name := range slices.Sorted(maps.Keys(e.reads)) {
		got := "nothing"
		for _, f := range explanation.Orders[0].Fields {
			if f.Name == name && f.Value != nil {
				got = *f.Value
			}
		}
		if want := or(e.reads[name], "nothing"); got != want {
			return fmt.Sprintf("field %s: got %s, want %s", name, got, want)
		}
	}
	return ""
}
