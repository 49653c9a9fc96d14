package tree

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// MaxDepth is how many objects and arrays may stand within one another.
	MaxDepth = 512
	// MaxItems is how many items a list may have; of a longer one the first are read and all are counted.
	MaxItems = 1000
)

// A Scanner reads one JSON text after another. It keeps slices of the text that it read last, and is for one goroutine.
type Scanner struct {
	src     bytes.Buffer
	dec     jsontext.Decoder
	opts    []jsontext.Options
	scratch []byte // holds a name without its escapes while it is looked at

	plan    *Plan
	doc     []byte
	kind    jsontext.Kind
	members int      // of the root object
	shallow bool     // the text cannot be too deep
	slots   [][]byte // of the whole document
	rows    [][]byte // of the items, one after the other
	items   int
	late    []span // elements counted from the end: read when the first pass is over
	tail    []span // the last elements of the arrays that are open
	end     int    // where the document ended
}

// A span is a value whose place in its array is known only now.
type span struct {
	node       *node
	row        int
	start, end int
}

// wholeDocument is the row of what belongs to no item.
const wholeDocument = -1

// NewScanner returns a scanner that has read nothing.
func NewScanner() *Scanner {
	// Broken UTF-8 in a member that nobody reads is nobody's business; what is read is checked value by value.
	return &Scanner{opts: []jsontext.Options{jsontext.AllowInvalidUTF8(true)}}
}

// Release lets go of the text.
func (s *Scanner) Release() {
	clear(s.slots)
	clear(s.rows)
	s.slots, s.rows = s.slots[:0], s.rows[:0]
	s.doc, s.items, s.members, s.kind = nil, 0, 0, 0
	s.reset(nil)
}

func (s *Scanner) reset(text []byte) {
	s.src = *bytes.NewBuffer(text)
	s.dec.Reset(&s.src, s.opts...)
}

// Scan reads the text and keeps what the plan looks for. Its error is an [*Error]. The text must not change as long as
// values of it are used.
func (s *Scanner) Scan(p *Plan, text []byte) error {
	s.Release()
	s.plan, s.doc = p, text
	s.slots = grown(s.slots, p.slots)
	s.late, s.tail = s.late[:0], s.tail[:0]
	s.shallow = bytes.Count(text, []byte("{"))+bytes.Count(text, []byte("[")) <= MaxDepth
	s.reset(text)
	s.kind = s.dec.PeekKind()
	if err := s.whole(); err != nil {
		return s.explain(err)
	}
	// What was read once cannot fail now; each round reads strictly smaller texts.
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

// whole reads the document and demands its end.
func (s *Scanner) whole() error {
	if err := s.value(&s.plan.root, wholeDocument, 0); err != nil {
		return err
	}
	s.end = int(s.dec.InputOffset())
	if _, err := s.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}

// value reads the next value by what is looked for at n. Base is where the decoder's text begins within the document.
func (s *Scanner) value(n *node, row, base int) error {
	if n.leaf() {
		start, end, err := s.skip(base)
		if err == nil && n != nil {
			s.keep(n, row, start, end)
		}
		return err
	}
	kind := s.dec.PeekKind()
	if kind != jsontext.KindBeginObject && kind != jsontext.KindBeginArray {
		start, end, err := s.skip(base)
		if err == nil {
			s.keep(n, row, start, end)
		}
		return err
	}
	if _, err := s.dec.ReadToken(); err != nil {
		return err
	}
	// No path is as long as MaxDepth: it is skip that meets what is too deep.
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

func (s *Scanner) object(n *node, row, base int) error {
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

// named returns what is looked for under a name, nil for nothing.
func (s *Scanner) named(n *node, quoted []byte) *node {
	const longestEscape = len(`\u0041`)
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

func (s *Scanner) array(n *node, row, base int) error {
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
		if n.each && n.indexes[i] != nil {
			s.later(n.indexes[i], part)
		}
		if n.deepest > 0 {
			s.remember(n.deepest, bottom, part)
		}
	}
	for back, next := range n.ends {
		if at := len(s.tail) - back; at >= bottom {
			s.later(next, s.tail[at])
		}
	}
	s.tail = s.tail[:bottom]
	return nil
}

// nextItem opens the row of the next item.
func (s *Scanner) nextItem() (into *node, row int) {
	s.items++
	if s.items > MaxItems {
		return nil, wholeDocument
	}
	s.rows = grown(s.rows, s.plan.itemSlots)
	return &s.plan.item, s.items - 1
}

// remember keeps the last elements of an array, and not many more than will be asked for.
func (s *Scanner) remember(deepest, bottom int, part span) {
	if len(s.tail)-bottom >= 2*deepest {
		kept := copy(s.tail[bottom:], s.tail[len(s.tail)-deepest:])
		s.tail = s.tail[:bottom+kept]
	}
	s.tail = append(s.tail, part)
}

// later has an element read again when the pass is over.
func (s *Scanner) later(n *node, part span) {
	part.node = n
	for bytes.IndexByte([]byte(", \t\r\n"), s.doc[part.start]) >= 0 {
		part.start++
	}
	s.late = append(s.late, part)
}

// keep notes where the value of n stands.
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
	// Token by token, for jsontext has a limit of its own on depth, which is not ours.
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
		case depth > MaxDepth:
			return 0, 0, errTooDeep
		case depth == outer:
			return start, end, nil
		}
	}
}
