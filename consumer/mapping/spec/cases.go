package spec

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping/spelling"
)

// A Case is one record, and the items that a mapping must return for it.
type Case struct {
	// Name is unique in its file.
	Name string
	// Record's topic selects the mapping. A nil value is a tombstone; an empty value is not.
	Record event.Record
	// Want has one element for each order in the record.
	Want []Want
}

// A Want is the expected result for one order: a call with OrderID and Status, a refusal with its cause, or neither if
// the order is to be ignored.
type Want struct {
	OrderID, Status string
	Refuse          string
}

// ReadCases reads a file of cases. causes lists the causes that a refusal may have. Mistakes are returned as a
// [*FileError].
func ReadCases(file string, causes []string) ([]Case, error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := &caseReader{reader: reader{Problems: &Problems{}, file: file}, causes: causes}
	cases := r.document(source)
	if err := r.Err(); err != nil {
		return nil, err
	}
	return cases, nil
}

type caseReader struct {
	reader

	causes []string
}

// document reads the whole file. Names must be unique, because the output of "mapping test" identifies cases by them.
func (r *caseReader) document(source []byte) []Case {
	root := r.reader.document(source)
	if root == nil {
		return nil
	}
	var cases []Case
	r.object("", root, names{"cases": func(where string, _, n *yaml.Node) {
		r.list(where, n, func(where string, n *yaml.Node) {
			c := r.one(where, n)
			if c.Name != "" && slices.ContainsFunc(cases, func(other Case) bool { return other.Name == c.Name }) {
				r.Add(r.at(n), where, "another case has the name %q", c.Name)
			}
			cases = append(cases, c)
		})
	}})
	// A misspelt "cases" has already been reported, and a second line about missing cases would only distract.
	if len(cases) == 0 && r.Err() == nil {
		r.Add(r.at(root), "", "the file has no cases")
	}
	return cases
}

// one returns the case in a node. It reports at most one missing part.
func (r *caseReader) one(where string, n *yaml.Node) Case {
	var c Case
	ok := r.object(where, n, names{
		"name":    func(where string, _, n *yaml.Node) { c.Name = r.plain(where, n) },
		"topic":   func(where string, _, n *yaml.Node) { c.Record.Topic = r.plain(where, n) },
		"key":     func(where string, _, n *yaml.Node) { c.Record.Key = []byte(r.plain(where, n)) },
		"headers": func(where string, _, n *yaml.Node) { c.Record.Headers = r.headers(where, n) },
		"value":   func(where string, _, n *yaml.Node) { c.Record.Value = r.value(where, n) },
		"file":    func(where string, _, n *yaml.Node) { c.Record.Value = r.payload(where, n) },
		"want":    func(where string, _, n *yaml.Node) { c.Want = r.wants(where, n) },
	})
	// This tests whether a name is written, not whether its value is usable, because an unusable value is a problem of its
	// own.
	given := func(name string) bool { return lookup(n, name) != nil }
	switch {
	case !ok:
	case !given("name"):
		r.Add(r.at(n), where, "a case needs a name")
	case given("value") == given("file"):
		r.Add(r.at(n), where, "a case needs either value or file")
	case !given("want"):
		r.Add(r.at(n), where, "want is missing")
	}
	return c
}

// plain reads text, which may be empty, or an integer that every YAML library reads as the same number and writes
// unchanged.
func (r *caseReader) plain(where string, n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		r.Add(r.at(n), where, "must be text, is %s", kindOf(n))
		return ""
	}
	switch n.ShortTag() {
	case "!!str":
		return n.Value
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil && strconv.FormatInt(i, 10) == n.Value {
			return n.Value
		}
	}
	written := n.Value
	if written == "" {
		written = "null"
	}
	r.Add(r.at(n), where, "quote it: YAML readers differ on what %s is", written)
	return ""
}

// headers reads headers in the order of the file. The order matters, because if several headers' names differ only in
// case, the last header counts.
func (r *caseReader) headers(where string, n *yaml.Node) (all []event.Header) {
	r.each(where, n, func(name string, _, value *yaml.Node) {
		all = append(all, event.Header{Key: name, Value: []byte(r.plain(within(where, name), value))})
	})
	return all
}

// value reads a record's value, byte for byte, so a number in it stays as it is written. Null is a tombstone.
func (r *caseReader) value(where string, n *yaml.Node) []byte {
	switch {
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		return nil
	case n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str":
		r.Add(r.at(n), where, "must be text: put the JSON in single quotes, or below a |")
		return nil
	}
	return []byte(n.Value)
}

// payload reads a value from a file beside the cases. A file whose name ends in .b64 is decoded from base64. An empty
// file is an empty value, not a tombstone.
func (r *caseReader) payload(where string, n *yaml.Node) []byte {
	name := r.plain(where, n)
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
		r.Add(r.at(n), where, "%v", err)
	}
	return value
}

// wants reads the expected results: one, or a list with one for each order in the record.
func (r *caseReader) wants(where string, n *yaml.Node) []Want {
	if n.Kind != yaml.SequenceNode {
		return []Want{r.want(where, n)}
	}
	var all []Want
	r.list(where, n, func(where string, n *yaml.Node) { all = append(all, r.want(where, n)) })
	if len(all) == 0 {
		r.Add(r.at(n), where, "is empty: each event has a result; write ignore if nothing is to be done")
	}
	return all
}

// want reads the expected result for one order. The zero Want means ignore.
func (r *caseReader) want(where string, n *yaml.Node) (w Want) {
	const forms = "want {order_id: …, status: …}, ignore, or {refuse: CAUSE}"
	if n.Kind == yaml.ScalarNode {
		if n.Value != Ignore {
			r.Add(r.at(n), where, forms)
		}
		return w
	}
	ok := r.object(where, n, names{
		"order_id": func(where string, _, n *yaml.Node) { w.OrderID = r.plain(where, n) },
		"status":   func(where string, _, n *yaml.Node) { w.Status = r.plain(where, n) },
		"refuse":   func(where string, _, n *yaml.Node) { w.Refuse = r.cause(where, n) },
	})
	if ok && lookup(n, "refuse") == nil && (w.OrderID == "" || w.Status == "") {
		r.Add(r.at(n), where, forms)
	}
	return w
}

// cause reads the cause of a refusal. It refuses an unknown cause, because a case with a typo in its cause would never
// pass.
func (r *caseReader) cause(where string, n *yaml.Node) string {
	cause := r.plain(where, n)
	readable := n.Kind == yaml.ScalarNode && (cause != "" || n.ShortTag() == "!!str")
	if readable && !slices.Contains(r.causes, cause) {
		r.Add(r.at(n), where, "%s", spelling.Unknown("cause", cause, r.causes))
	}
	return cause
}
