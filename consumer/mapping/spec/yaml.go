package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"leadhit-sync/consumer/mapping/spelling"
)

// maxFile limits a file, in bytes. The largest preset is smaller than 4 KB.
const maxFile = 1 << 20

// A reader walks the nodes of one YAML file, and records every mistake with its place.
type reader struct {
	*Problems

	file    string
	lines   []string // of the file, for places within text values
	mapping string   // the name of the mapping that is being read
}

// Text is a scalar in a file, with its place. Value is empty if there is no usable text.
type Text struct {
	Place

	Value string
	node  *yaml.Node
	lines []string // of the file
}

// Given reports whether the file has a value at this place, usable or not.
func (t Text) Given() bool {
	return t.node != nil
}

// document parses the one YAML document in a file. It returns nil if the document cannot be read. It works on nodes,
// because decoding into structs loses the places, and silently turns an unquoted Y or 010 into something else.
func (r *reader) document(source []byte) *yaml.Node {
	if len(source) > maxFile {
		r.Add(Place{File: r.file}, "", "the file has %d bytes, more than %d", len(source), maxFile)
		return nil
	}
	r.lines = strings.Split(string(source), "\n")
	decoder := yaml.NewDecoder(bytes.NewReader(source))
	var root, next yaml.Node
	switch err := decoder.Decode(&root); {
	case errors.Is(err, io.EOF) || err == nil && len(root.Content) == 0:
		r.Add(Place{File: r.file, Line: 1, Column: 1}, "", "the file is empty")
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	// A second document would be ignored, and its author would not notice.
	switch err := decoder.Decode(&next); {
	case err == nil:
		r.Add(r.at(&next), "", "a second document begins here; a file may hold only one")
	case !errors.Is(err, io.EOF):
		r.syntax(err)
	}
	return resolve(root.Content[0])
}

// syntax records an error from the YAML parser.
func (r *reader) syntax(err error) {
	r.found = append(r.found, yamlProblem(r.file, r.lines, err))
}

// resolve returns the node that an alias refers to.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}

// at returns the place of a node.
func (r *reader) at(n *yaml.Node) Place {
	return Place{File: r.file, Mapping: r.mapping, Line: n.Line, Column: n.Column}
}

// newText returns a Text without a Value. It keeps the lines of the file, so that a mistake inside the text can be
// located later.
func (r *reader) newText(n *yaml.Node) Text {
	return Text{Place: r.at(n), node: n, lines: r.lines}
}

// names are the known names of an object, each with the function that reads its value.
type names map[string]func(where string, key, value *yaml.Node)

// object reads an object whose names are known, in the order of the file. It returns false for anything but an object.
func (r *reader) object(where string, n *yaml.Node, known names) bool {
	return r.each(where, n, func(name string, key, value *yaml.Node) {
		read, ok := known[name]
		if !ok {
			r.Add(r.at(key), where, "%s", spelling.Unknown("name", name, slices.Collect(maps.Keys(known))))
			return
		}
		read(within(where, name), key, value)
	})
}

// each calls read for each name and value in an object, whatever the names are. A name that is used twice is a mistake,
// because YAML readers differ on which of the values counts.
func (r *reader) each(where string, n *yaml.Node, read func(name string, key, value *yaml.Node)) bool {
	if n.Kind != yaml.MappingNode {
		r.Add(r.at(n), where, "must be an object of names and values, is %s", kindOf(n))
		return false
	}
	var seen []string
	// The nodes of an object alternate: a name, then its value.
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolve(n.Content[i+1])
		switch {
		case key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str":
			r.Add(r.at(key), where, "a name must be text, is %s", kindOf(key))
		case slices.Contains(seen, key.Value):
			r.Add(r.at(key), where, "the name %q is used twice", key.Value)
		default:
			seen = append(seen, key.Value)
			read(key.Value, key, value)
		}
	}
	return true
}

// within returns the path of a member, as problems show it.
func within(where, name string) string {
	if where == "" {
		return name
	}
	return where + "." + name
}

// list calls read for each element of a list, with the element's path, such as rules[0].
func (r *reader) list(where string, n *yaml.Node, read func(where string, n *yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		r.Add(r.at(n), where, "must be a list, is %s", kindOf(n))
		return
	}
	for i, element := range n.Content {
		read(fmt.Sprintf("%s[%d]", where, i), resolve(element))
	}
}

// text reads text that is not empty. Anything else is a mistake, and leaves Value empty.
func (r *reader) text(where string, n *yaml.Node) Text {
	t := r.newText(n)
	switch {
	case n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str":
		r.Add(t.Place, where, "must be text, is %s", kindOf(n))
	case n.Value == "":
		r.Add(t.Place, where, "must not be empty")
	default:
		t.Value = n.Value
	}
	return t
}

// choice reads one of the given words.
func (r *reader) choice(where string, n *yaml.Node, words ...string) Text {
	t := r.text(where, n)
	if t.Value != "" && !slices.Contains(words, t.Value) {
		r.Add(t.Place, where, "%s", spelling.Unknown("word", t.Value, words))
		t.Value = ""
	}
	return t
}

// code reads a status code. It accepts only text that every YAML parser reads in the same way. Some parsers read Y, no,
// 010, 1e3 and null as a bool, a number or nothing. One round trip through a tool with such a parser, for example Helm,
// changes the code.
func (r *reader) code(where string, n *yaml.Node) Text {
	t := r.newText(n)
	plain := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	switch tag := n.ShortTag(); {
	case n.Kind != yaml.ScalarNode:
		r.Add(t.Place, where, "a code must be text or an integer, is %s", kindOf(n))
	case tag == "!!int" && canonical(n.Value):
		t.Value = n.Value
	case tag != "!!str" || plain && doubtful(n.Value):
		r.Add(t.Place, where, "quote it: YAML readers differ on what %s is", n.Value)
	case n.Value == "":
		r.Add(t.Place, where, "a code must not be empty")
	default:
		t.Value = n.Value
	}
	return t
}

// canonical reports whether every YAML library writes the integer unchanged, even after reading it as a float.
func canonical(number string) bool {
	const exact = 15 // digits that a float keeps
	digits := strings.TrimPrefix(number, "-")
	if strings.Trim(digits, "0123456789") != "" || len(digits) > exact {
		return false
	}
	return number == "0" || !strings.HasPrefix(digits, "0")
}

// doubtful reports whether the unquoted text, a string in YAML 1.2, may be something else in YAML 1.1.
func doubtful(scalar string) bool {
	switch strings.ToLower(scalar) {
	case "y", "n", "yes", "no", "on", "off", "=":
		return true
	}
	return strings.Contains(scalar, ":") && strings.Trim(scalar, "0123456789:.+-") == "" // 1:30 is read as 90
}

// integer reads a whole number that is not negative.
func (r *reader) integer(where string, n *yaml.Node) int {
	var i int
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || n.Decode(&i) != nil || i < 0 {
		r.Add(r.at(n), where, "must be a whole number, 0 or greater")
		return 0
	}
	return i
}

// kindOf returns the kind of a node in words, for messages.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "an object"
	case yaml.SequenceNode:
		return "a list"
	// Aliases have been resolved by now, and a document is never inside another node.
	case yaml.DocumentNode, yaml.AliasNode:
		return "unreadable"
	case yaml.ScalarNode:
	}
	switch n.ShortTag() {
	case "!!null":
		return "null"
	case "!!bool":
		return "a bool"
	case "!!int", "!!float":
		return "a number"
	case "!!timestamp":
		return "a time"
	case "!!str":
		return "text"
	}
	return "a " + n.ShortTag()
}

// Inside returns the place of a character in the text. line counts from 0 within the text, and offset counts characters
// from 0 within the line.
func (t Text) Inside(line, offset int) Place {
	at := t.Place
	if t.node.Style&yaml.LiteralStyle != 0 && t.Line+line < len(t.lines) {
		// The text starts on the line below the | sign, and all its lines are indented like the first.
		at.Line += line + 1
		first := t.lines[t.Line]
		at.Column = len([]rune(first)) - len([]rune(strings.TrimLeft(first, " "))) + offset + 1
		return at
	}
	// In folded or quoted text of several lines, the parser joins the lines, so a place inside cannot be computed. The
	// place where the text starts is returned instead.
	if line > 0 || t.node.Style&yaml.FoldedStyle != 0 || t.Line > len(t.lines) {
		return at
	}
	source := []rune(t.lines[t.Line-1])
	at.Column += written(source[min(t.Column-1, len(source)):], offset)
	return at
}

// written converts a character's offset in the text into its offset in the source, where quotes and escapes take extra
// characters.
func written(source []rune, offset int) int {
	if len(source) == 0 || source[0] != '"' && source[0] != '\'' {
		return offset
	}
	at := 1
	for ; offset > 0 && at+1 < len(source); offset-- {
		switch {
		case source[0] == '\'' && source[at] == '\'':
			at++
		case source[0] == '"' && source[at] == '\\':
			at += 1 + map[rune]int{'x': 2, 'u': 4, 'U': 8}[source[at+1]]
		}
		at++
	}
	return min(at, len(source)-1)
}
