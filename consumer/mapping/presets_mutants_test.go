package mapping_test

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A mutant is a preset with one thing wrong.
type mutant struct {
	what string
	text []byte
}

// unchanged describes the preset itself. If a case fails for the preset, the test is wrong.
const unchanged = "nothing changed"

// A mutator makes mutants of one preset's YAML. Each edit is made on the YAML tree, written out and undone.
type mutator struct {
	t       *testing.T
	root    *yaml.Node
	mapping *yaml.Node
	mutants []mutant
}

func mutantsOf(t *testing.T, preset string) []mutant {
	t.Helper()
	text, err := os.ReadFile("presets/" + preset + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	m := &mutator{t: t, root: &yaml.Node{}}
	if err := yaml.Unmarshal(text, m.root); err != nil {
		t.Fatal(err)
	}
	m.mapping = member(m.root.Content[0], "mappings").Content[0]
	m.bind()
	m.take(unchanged)
	for _, name := range []string{"decode", "unwrap", "each", "schemas"} {
		m.without(m.mapping, name, name)
	}
	if each := member(m.mapping, "each"); each != nil && each.Value != "$[*]" {
		m.with(each, strings.Replace(each.Value, "[*]", "_[*]", 1), "each")
	}
	m.fields()
	m.rules()
	m.status()
	return m.mutants
}

// bind gives the preset a topic, because a preset leaves the choice of topics to its user.
func (m *mutator) bind() {
	var match yaml.Node
	if err := yaml.Unmarshal([]byte("match: {topics: [orders]}"), &match); err != nil {
		m.t.Fatal(err)
	}
	m.mapping.Content = append(m.mapping.Content, match.Content[0].Content...)
}

// take adds a mutant with the current state of the tree.
func (m *mutator) take(what string) {
	text, err := yaml.Marshal(m.root)
	if err != nil {
		m.t.Fatal(err)
	}
	m.mutants = append(m.mutants, mutant{what, text})
}

// with adds a mutant in which a scalar is replaced.
func (m *mutator) with(n *yaml.Node, value, what string) {
	before := n.Value
	n.Value = value
	m.take(fmt.Sprintf("%s: %s becomes %s", what, before, value))
	n.Value = before
}

// without adds a mutant in which a name is removed from an object, if the object has that name.
func (m *mutator) without(n *yaml.Node, name, what string) {
	i := position(n, name)
	if i < 0 {
		return
	}
	before := n.Content
	n.Content = slices.Concat(before[:i:i], before[i+2:])
	m.take(what + " removed")
	n.Content = before
}

// withoutElement adds a mutant in which an element of a list is removed.
func (m *mutator) withoutElement(n *yaml.Node, i int, what string) {
	before := n.Content
	n.Content = slices.Concat(before[:i:i], before[i+1:])
	m.take(what + " removed")
	n.Content = before
}

func (m *mutator) fields() {
	fields := member(m.mapping, "fields")
	for i := 0; i < len(fields.Content); i += 2 {
		name, field := fields.Content[i].Value, fields.Content[i+1]
		m.without(fields, name, "field "+name)
		m.source(field, "field "+name)
		for _, option := range []string{"extract", "pattern", "type", "layout", "unix", "zone"} {
			m.without(field, option, "field "+name+": "+option)
		}
		if normal := member(field, "normalize"); normal != nil {
			for j, n := range normal.Content {
				m.withoutElement(normal, j, "field "+name+": "+n.Value)
			}
		}
		if sources := member(field, "first_of"); sources != nil {
			m.alternatives(sources, "field "+name+": first_of")
		}
	}
}

// alternatives adds mutants in which one source of a field is removed, changed, or swapped with the source before it.
func (m *mutator) alternatives(sources *yaml.Node, what string) {
	for i, n := range sources.Content {
		each := fmt.Sprintf("%s[%d]", what, i)
		m.withoutElement(sources, i, each)
		m.source(n, each)
		m.without(n, "extract", each+": extract")
		if i > 0 {
			m.swapped(sources, i, fmt.Sprintf("%s moved before [%d]", each, i-1))
		}
	}
}

// swapped adds a mutant in which an element of a list is swapped with the element before it.
func (m *mutator) swapped(list *yaml.Node, i int, what string) {
	list.Content[i-1], list.Content[i] = list.Content[i], list.Content[i-1]
	m.take(what)
	list.Content[i-1], list.Content[i] = list.Content[i], list.Content[i-1]
}

// source adds mutants of a field's source, each with a different step broken.
func (m *mutator) source(n *yaml.Node, what string) {
	for _, kind := range []string{"path", "envelope", "header", "ce", "key"} {
		from := member(n, kind)
		if from == nil {
			continue
		}
		for _, value := range elsewhere(kind, from.Value) {
			m.with(from, value, what+": "+kind)
		}
	}
}

// elsewhere returns variants of a source's path or name, each with a different step broken.
func elsewhere(kind, place string) []string {
	if kind != "path" && kind != "envelope" {
		return []string{map[string]string{"$": "$.other"}[place] + strings.TrimPrefix(place, "$") + "other"}
	}
	var all []string
	for _, at := range regexp.MustCompile(`[A-Za-z_-]('\]|\.|\[|$)`).FindAllStringIndex(place, -1) {
		all = append(all, place[:at[0]+1]+"x"+place[at[0]+1:])
	}
	for _, pair := range [][2]string{{"[-1]", "[0]"}, {"[0]", "[1]"}} {
		if strings.Contains(place, pair[0]) {
			all = append(all, strings.Replace(place, pair[0], pair[1], 1))
		}
	}
	return all
}

func (m *mutator) rules() {
	rules := member(m.mapping, "rules")
	if rules == nil {
		return
	}
	quoted := regexp.MustCompile(`"[^"]*"`)
	for i, rule := range rules.Content {
		what := fmt.Sprintf("rules[%d]", i)
		m.withoutElement(rules, i, what)
		when, then := member(rule, "when"), member(rule, "then")
		for _, word := range []string{"paid", "submitted", "ignore", "dead-letter"} {
			if word != then.Value {
				m.with(then, word, what+": then")
			}
		}
		for _, at := range quoted.FindAllStringIndex(when.Value, -1) {
			m.with(when, when.Value[:at[1]-1]+"~"+when.Value[at[1]-1:], what+": when")
		}
		// Two neighbouring rules with the same verdict may be in either order.
		if i > 0 && member(rules.Content[i-1], "then").Value != then.Value {
			m.swapped(rules, i, fmt.Sprintf("rules[%d] moved before rules[%d]", i, i-1))
		}
	}
}

func (m *mutator) status() {
	status := member(m.mapping, "status")
	if status == nil {
		return
	}
	before := status.Content
	for _, word := range []string{"dead-letter", "ignore", "pass"} {
		if otherwise := member(status, "otherwise"); otherwise != nil && otherwise.Value != word {
			m.with(otherwise, word, "otherwise")
		} else if otherwise == nil && word != "dead-letter" {
			status.Content = slices.Concat(before, []*yaml.Node{scalar("otherwise"), scalar(word)})
			m.take("otherwise: " + word + " added")
			status.Content = before
		}
	}
	for i := 0; i < len(before); i += 2 {
		from, list := before[i].Value, before[i+1]
		if from == "otherwise" {
			continue
		}
		for j, code := range list.Content {
			what := fmt.Sprintf("status.%s: %q", from, code.Value)
			m.withoutElement(list, j, what)
			m.moved(status, list, j, from)
		}
	}
}

// moved adds one mutant for each of the other lists, with the code moved to that list.
func (m *mutator) moved(status, list *yaml.Node, j int, from string) {
	code, all := list.Content[j], list.Content
	before := status.Content
	for _, to := range []string{"submitted", "paid", "ignore"} {
		if to == from {
			continue
		}
		list.Content = slices.Concat(all[:j:j], all[j+1:])
		what := fmt.Sprintf("status.%s: %q moved to %s", from, code.Value, to)
		if target := member(status, to); target != nil {
			kept := target.Content
			target.Content = append(slices.Clone(kept), code)
			m.take(what)
			target.Content = kept
		} else {
			status.Content = slices.Concat(before, []*yaml.Node{scalar(to), {Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{code}}})
			m.take(what)
			status.Content = before
		}
		list.Content = all
	}
}

func scalar(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

// position returns the index of a name in an object, or -1.
func position(n *yaml.Node, name string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return i
		}
	}
	return -1
}

// member returns the value of a name in an object, or nil.
func member(n *yaml.Node, name string) *yaml.Node {
	if i := position(n, name); n.Kind == yaml.MappingNode && i >= 0 {
		return n.Content[i+1]
	}
	return nil
}

func TestTheMutatorDoesNotChangeThePreset(t *testing.T) {
	t.Parallel()
	for _, p := range platforms() {
		seen := make(map[string]string)
		for _, m := range mutantsOf(t, p.preset) {
			if other := seen[string(m.text)]; other != "" {
				t.Errorf("%s: got the same text for %q and %q, want each edit undone", p.preset, other, m.what)
			}
			seen[string(m.text)] = m.what
			if bytes.Contains(m.text, []byte("mappings: []")) {
				t.Errorf("%s: %s: got an empty file", p.preset, m.what)
			}
		}
		if len(seen) < 6 {
			t.Errorf("%s: got %d mutants, want more", p.preset, len(seen))
		}
	}
}
