package main

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
)

// mappingCase is one record, and what a mapping is to make of it.
type mappingCase struct {
	name   string
	line   int
	record event.Record
	want   []expectation
}

// expectation is what one order of a record is to become.
type expectation struct {
	action        mapping.Action
	order, status string // of a call
	cause         string // of a refusal
}

// String returns the expectation, or what came instead of it, in a few words.
func (e expectation) String() string {
	switch e.action {
	case mapping.Call:
		return "call " + terminal.Quote(e.order) + " " + terminal.Quote(e.status)
	case mapping.Ignore:
		return "ignore"
	case mapping.Refuse:
	}
	return "refuse " + e.cause
}

// meets tells whether an outcome is what was expected. Of a refusal only the cause counts.
func (e expectation) meets(o mapping.Outcome) bool {
	switch e.action {
	case mapping.Call:
		return o.Action == mapping.Call && o.OrderID == e.order && o.Status == e.status
	case mapping.Ignore:
		return o.Action == mapping.Ignore
	case mapping.Refuse:
	}
	return o.Action == mapping.Refuse && o.Cause == e.cause
}

// outcomeOf is what came, in the words of an expectation.
func outcomeOf(o mapping.Outcome) expectation {
	return expectation{action: o.Action, order: o.OrderID, status: o.Status, cause: o.Cause}
}

// casesFile returns where the cases of a mapping are kept: shop.cases.yaml beside shop.yaml.
func casesFile(source string) string {
	ext := filepath.Ext(source)
	return strings.TrimSuffix(source, ext) + ".cases" + or(ext, ".yaml")
}

// readCases reads a file of cases. Its mistakes come back all at once, as a [*mapping.FileError].
func readCases(file string) ([]mappingCase, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := &caseReader{file: file}
	cases := r.document(text)
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b mapping.Problem) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return nil, listedError{&mapping.FileError{Problems: r.problems}}
	}
	return cases, nil
}

// caseReader walks the nodes of a file of cases and notes every mistake with its place.
type caseReader struct {
	file     string
	problems []mapping.Problem
}

func (r *caseReader) add(n *yaml.Node, where, format string, args ...any) {
	r.problems = append(r.problems, mapping.Problem{
		File: r.file, Line: n.Line, Column: n.Column, Where: where, Text: fmt.Sprintf(format, args...),
	})
}

func (r *caseReader) document(text []byte) []mappingCase {
	var root yaml.Node
	switch err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&root); {
	case errors.Is(err, io.EOF):
		r.add(&yaml.Node{Line: 1, Column: 1}, "", "the file is empty")
		return nil
	case err != nil:
		r.problems = append(r.problems, mapping.YAMLProblem(r.file, string(text), err))
		return nil
	}
	var cases []mappingCase
	top := root.Content[0]
	r.object(top, "", map[string]func(string, *yaml.Node){"cases": func(where string, n *yaml.Node) {
		cases = r.cases(where, n)
	}})
	if len(cases) == 0 && len(r.problems) == 0 {
		r.add(top, "", "the file has no cases")
	}
	return cases
}

func (r *caseReader) cases(where string, n *yaml.Node) []mappingCase {
	if n.Kind != yaml.SequenceNode {
		r.add(n, where, "must be a list")
		return nil
	}
	var cases []mappingCase
	seen := make(map[string]bool)
	for i, element := range n.Content {
		at := fmt.Sprintf("%s[%d]", where, i)
		c := r.one(at, resolve(element))
		if c.name != "" && seen[c.name] {
			r.add(element, at, "another case has the name %q", c.name)
		}
		seen[c.name] = true
		cases = append(cases, c)
	}
	return cases
}

func (r *caseReader) one(where string, n *yaml.Node) mappingCase {
	c := mappingCase{line: n.Line}
	given := make(map[string]bool)
	note := func(name string, read func(string, *yaml.Node)) func(string, *yaml.Node) {
		return func(where string, n *yaml.Node) { given[name] = true; read(where, n) }
	}
	ok := r.object(n, where, map[string]func(string, *yaml.Node){
		"name":    note("name", func(where string, n *yaml.Node) { c.name = r.text(where, n) }),
		"topic":   func(where string, n *yaml.Node) { c.record.Topic = r.text(where, n) },
		"key":     func(where string, n *yaml.Node) { c.record.Key = []byte(r.text(where, n)) },
		"headers": func(where string, n *yaml.Node) { c.record.Headers = r.headers(where, n) },
		"value":   note("value", func(where string, n *yaml.Node) { c.record.Value = r.value(where, n) }),
		"file":    note("file", func(where string, n *yaml.Node) { c.record.Value = r.payload(where, n) }),
		"want":    note("want", func(where string, n *yaml.Node) { c.want = r.want(where, n) }),
	})
	switch {
	case !ok:
	case !given["name"]:
		r.add(n, where, "a case needs a name")
	case given["value"] == given["file"]:
		r.add(n, where, "a case needs either value or file")
	case !given["want"]:
		r.add(n, where, "a case needs want")
	}
	return c
}

// object reads an object whose names are known.
func (r *caseReader) object(n *yaml.Node, where string, known map[string]func(where string, n *yaml.Node)) bool {
	if n.Kind != yaml.MappingNode {
		r.add(n, where, "must be an object of names and values")
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		read, ok := known[key.Value]
		if !ok {
			names := make([]string, 0, len(known))
			for name := range known {
				names = append(names, name)
			}
			slices.Sort(names)
			r.add(key, where, "unknown name %q: there are %s", key.Value, strings.Join(names, ", "))
			continue
		}
		read(strings.TrimPrefix(where+"."+key.Value, "."), resolve(n.Content[i+1]))
	}
	return true
}

// text reads a text, or an integer that every YAML reader writes alike.
func (r *caseReader) text(where string, n *yaml.Node) string {
	switch tag := n.ShortTag(); {
	case n.Kind == yaml.ScalarNode && tag == "!!str":
		return n.Value
	case n.Kind == yaml.ScalarNode && tag == "!!int":
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil && strconv.FormatInt(i, 10) == n.Value {
			return n.Value
		}
	}
	if n.Kind == yaml.ScalarNode {
		r.add(n, where, "quote it: YAML readers differ on what %s is", or(n.Value, "null"))
	} else {
		r.add(n, where, "must be text")
	}
	return ""
}

func (r *caseReader) headers(where string, n *yaml.Node) []event.Header {
	if n.Kind != yaml.MappingNode {
		r.add(n, where, "must be an object of names and values")
		return nil
	}
	var all []event.Header
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		all = append(all, event.Header{Key: name, Value: []byte(r.text(where+"."+name, resolve(n.Content[i+1])))})
	}
	return all
}

// value reads a record's value: text is taken as it stands, so that a number in it stays as it is written. Null is a
// tombstone.
func (r *caseReader) value(where string, n *yaml.Node) []byte {
	switch {
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		return nil
	case n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str":
		r.add(n, where, "must be text: put the JSON in single quotes, or below a |")
		return nil
	}
	return []byte(n.Value)
}

// payload reads a value from a file beside the cases; of one that ends in .b64 what its base64 stands for. An empty file
// is an empty value, not a tombstone.
func (r *caseReader) payload(where string, n *yaml.Node) []byte {
	name := r.text(where, n)
	if name == "" {
		return nil
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(r.file), name)
	}
	value, err := os.ReadFile(path)
	if err == nil && strings.HasSuffix(name, ".b64") {
		value, err = base64.StdEncoding.DecodeString(strings.TrimSpace(string(value)))
	}
	if err != nil {
		r.add(n, where, "%v", err)
	}
	return value
}

// want reads what is expected, of each order of the record.
func (r *caseReader) want(where string, n *yaml.Node) []expectation {
	if n.Kind != yaml.SequenceNode {
		return []expectation{r.expectation(where, n)}
	}
	all := make([]expectation, len(n.Content))
	for i, element := range n.Content {
		all[i] = r.expectation(fmt.Sprintf("%s[%d]", where, i), resolve(element))
	}
	if len(all) == 0 {
		r.add(n, where, "is empty: an event always gives something; write ignore where nothing is to be done")
	}
	return all
}

func (r *caseReader) expectation(where string, n *yaml.Node) (e expectation) {
	if n.Kind == yaml.ScalarNode {
		if e.action = mapping.Ignore; n.Value != "ignore" {
			r.add(n, where, "want {order_id: …, status: …}, ignore, or {refuse: CAUSE}")
		}
		return e
	}
	e.action = mapping.Call
	ok := r.object(n, where, map[string]func(string, *yaml.Node){
		"order_id": func(where string, n *yaml.Node) { e.order = r.text(where, n) },
		"status":   func(where string, n *yaml.Node) { e.status = r.text(where, n) },
		"refuse": func(where string, n *yaml.Node) {
			before := len(r.problems)
			e.action, e.cause = mapping.Refuse, r.text(where, n)
			if err := mapping.CheckCause(e.cause); err != nil && len(r.problems) == before {
				r.add(n, where, "%v", err)
			}
		},
	})
	if ok && e.action == mapping.Call && (e.order == "" || e.status == "") {
		r.add(n, where, "want {order_id: …, status: …}, ignore, or {refuse: CAUSE}")
	}
	return e
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}
