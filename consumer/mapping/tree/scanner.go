package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// maxDepth limits how deeply objects and arrays may be nested. Without a limit, a short document could need a large
	// stack.
	maxDepth = 512
	// MaxItems limits how many items of a list are read. All items of a longer list are counted, so that the list can
	// be refused.
	MaxItems = 1000
)

// A Scanner reads one JSON document after another and reuses its memory. The zero value is ready to use. A Scanner
// keeps parts of the text that it read last, so call Release when done with a text. Only one goroutine at a time may
// use it.
type Scanner struct {
	src     bytes.Buffer
	dec     jsontext.Decoder
	scratch []byte // a name without its escapes

	plan    *Plan
	doc     []byte
	kind    jsontext.Kind
	members int      // of the root object
	shallow bool     // the text has too few brackets to be too deep
	slots   [][]byte // of the whole document
	rows    [][]byte // of the items, one row after another
	items   int
	late    []span // elements to reread after the first pass
	tail    []span // the last elements of each array that is open
}

// A span is an element of an array that may be reread, because the first pass could not follow the element's node.
type span struct {
	node       *node
	row        int
	start, end int
}

// wholeDocument is the row of values outside of the items.
const wholeDocument = -1

// Release drops the references to the last text, so that a pooled scanner does not keep it in memory.
func (s *Scanner) Release() {
	clear(s.slots)
	clear(s.rows)
	s.slots, s.rows = s.slots[:0], s.rows[:0]
	s.doc, s.items, s.members, s.kind = nil, 0, 0, 0
	s.reset(nil)
}

func (s *Scanner) reset(text []byte) {
	s.src = *bytes.NewBuffer(text)
	// Invalid UTF-8 in a member that no path leads to is harmless. Code that uses a value checks it.
	s.dec.Reset(&s.src, jsontext.AllowInvalidUTF8(true))
}

// Scan reads the text and keeps the values that the plan looks for. Its error says why the text cannot be read, without
// quoting it. The text must not change while its values are used.
func (s *Scanner) Scan(p *Plan, text []byte) error {
	s.Release()
	s.plan, s.doc = p, text
	s.slots = grown(s.slots, p.slots)
	s.late, s.tail = s.late[:0], s.tail[:0]
	s.shallow = bytes.Count(text, []byte("{"))+bytes.Count(text, []byte("[")) <= maxDepth
	s.reset(text)
	s.kind = s.dec.PeekKind()
	if err := s.whole(); err != nil {
		return s.explain(err)
	}
	// Each round reads strictly smaller parts, so the loop ends. Each part has already been read once, so rereading it
	// cannot fail.
	for i := 0; i < len(s.late); i++ {
		part := s.late[i]
		s.reset(text[part.start:part.end])
		if err := s.value(part.node, part.row, part.start); err != nil {
			return s.explain(err)
		}
	}
	return nil
}

func grown(slots [][]byte, n int) [][]byte {
	for range n {
		slots = append(slots, nil)
	}
	return slots
}

// whole reads the document, and refuses text after it.
func (s *Scanner) whole() error {
	if err := s.value(&s.plan.root, wholeDocument, 0); err != nil {
		return err
	}
	end := s.dec.InputOffset()
	if _, err := s.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return &refusal{nil, fmt.Sprintf("text after the JSON document, from byte %d of %d", end, len(s.doc))}
	}
	return nil
}

// value reads the next value, and keeps the values of n and of the nodes below n. base is the offset of the decoder's
// text within the document. It is 0 except for a part that is reread.
func (s *Scanner) value(n *node, row, base int) error {
	kind := s.dec.PeekKind()
	if n.leaf() || kind != jsontext.KindBeginObject && kind != jsontext.KindBeginArray {
		start, end, err := s.skip(base)
		if err == nil && n != nil {
			s.keep(n, row, start, end)
		}
		return err
	}
	if _, err := s.dec.ReadToken(); err != nil {
		return err
	}
	// Paths are shorter than maxDepth, so only skip can reach a value that is too deep.
	start := base + int(s.dec.InputOffset()) - 1
	inside := s.array
	if kind == jsontext.KindBeginObject {
		inside = s.object
	}
	if err := inside(n, row, base); err != nil {
		return err
	}
	if _, err := s.dec.ReadToken(); err != nil {
		return err
	}
	s.keep(n, row, start, base+int(s.dec.InputOffset()))
	return nil
}

// object reads the members of an object whose opening brace has been read. The decoder returns an error for a duplicate
// name.
func (s *Scanner) object(n *node, row, base int) error {
	// Only the root object's members are counted. With exactly two members, it may be Connect's envelope.
	root := n == &s.plan.root
	for s.dec.PeekKind() != jsontext.KindEndObject {
		quoted, err := s.dec.ReadValue()
		if err != nil {
			return err
		}
		if root {
			s.members++
		}
		if err := s.value(s.named(n, quoted), row, base); err != nil {
			return err
		}
	}
	return nil
}

// named returns the node for a member's name, or nil if no path has that name here.
func (s *Scanner) named(n *node, quoted []byte) *node {
	const longestEscape = len(`\u0041`)
	// Most names in an event are in no path. For many of them the length shows that without a lookup in the map.
	if len(n.names) == 0 || len(quoted) < 2 || len(quoted) > longestEscape*s.plan.longest+2 {
		return nil
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return n.names[string(quoted[1:len(quoted)-1])]
	}
	// An escape may hide one of our names: "order\u005fid" is order_id to every parser.
	var err error
	if s.scratch, err = jsontext.AppendUnquote(s.scratch[:0], quoted); err != nil {
		return nil
	}
	return n.names[string(s.scratch)]
}

// array reads the elements of an array whose opening bracket has been read. An index counted from the end can be
// resolved only at the end, so the places of the last elements are remembered, and the elements are reread.
func (s *Scanner) array(n *node, row, base int) error {
	// Arrays within this array use the same stack above bottom, and leave it as they found it.
	bottom := len(s.tail)
	for i := 0; s.dec.PeekKind() != jsontext.KindEndArray; i++ {
		begin := base + int(s.dec.InputOffset())
		into, intoRow := n.indexes[i], row
		if n.each && row == wholeDocument {
			into, intoRow = s.nextItem()
		}
		if err := s.value(into, intoRow, base); err != nil {
			return err
		}
		part := span{row: row, start: begin, end: base + int(s.dec.InputOffset())}
		// A path in the whole document may lead into an item too, such as $.orders[0].id. One pass can follow only one node
		// for an element, so the element is reread for the other node.
		if n.each && n.indexes[i] != nil {
			s.later(n.indexes[i], part)
		}
		if n.deepest > 0 {
			s.remember(n.deepest, bottom, part)
		}
	}
	// Only now is it known how far each element is from the end.
	for back, next := range n.ends {
		if at := len(s.tail) - back; at >= bottom {
			s.later(next, s.tail[at])
		}
	}
	s.tail = s.tail[:bottom]
	return nil
}

// nextItem counts the next item and, up to MaxItems, adds its row.
func (s *Scanner) nextItem() (into *node, row int) {
	s.items++
	if s.items > MaxItems {
		return nil, wholeDocument
	}
	s.rows = grown(s.rows, s.plan.itemSlots)
	return &s.plan.item, s.items - 1
}

// remember keeps the last elements of an array. It drops old ones only when there are twice as many as the paths need,
// because dropping one at a time would copy the rest for each element.
func (s *Scanner) remember(deepest, bottom int, part span) {
	if len(s.tail)-bottom >= 2*deepest {
		kept := copy(s.tail[bottom:], s.tail[len(s.tail)-deepest:])
		s.tail = s.tail[:bottom+kept]
	}
	s.tail = append(s.tail, part)
}

// later adds an element to those that are reread after the pass.
func (s *Scanner) later(n *node, part span) {
	part.node = n
	for bytes.IndexByte([]byte(", \t\r\n"), s.doc[part.start]) >= 0 {
		part.start++
	}
	s.late = append(s.late, part)
}

// keep stores the value of n in its slots.
func (s *Scanner) keep(n *node, row, start, end int) {
	for _, slot := range n.slots {
		if row == wholeDocument {
			s.slots[slot] = s.doc[start:end]
		} else {
			s.rows[row*s.plan.itemSlots+slot] = s.doc[start:end]
		}
	}
}

// skip reads the next value, whatever it is.
func (s *Scanner) skip(base int) (start, end int, err error) {
	kind := s.dec.PeekKind()
	if s.shallow || kind != jsontext.KindBeginObject && kind != jsontext.KindBeginArray {
		text, err := s.dec.ReadValue()
		end = base + int(s.dec.InputOffset())
		return end - len(text), end, err
	}
	// Read token by token, because ReadValue has a depth limit of its own, 10,000.
	outer := s.dec.StackDepth()
	for start = -1; ; {
		if _, err := s.dec.ReadToken(); err != nil {
			return 0, 0, err
		}
		end = base + int(s.dec.InputOffset())
		if start < 0 {
			start = end - 1
		}
		switch depth := s.dec.StackDepth(); {
		case depth > maxDepth:
			return 0, 0, ErrTooDeep
		case depth == outer:
			return start, end, nil
		}
	}
}
