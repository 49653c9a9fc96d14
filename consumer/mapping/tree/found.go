package tree

import "slices"

// Kind is the first byte of a JSON value: one of { [ " 0 t f n, where 0 stands for any number.
type Kind byte

// KindOf returns the kind of a JSON value's text, and the zero Kind for no text.
func KindOf(text []byte) Kind {
	if len(text) == 0 {
		return 0
	}
	if c := text[0]; c != '-' && (c < '0' || c > '9') {
		return Kind(c)
	}
	return '0'
}

// Kind returns the kind of the document.
func (s *Scanner) Kind() Kind {
	return Kind(s.kind)
}

// Members returns how many members the document has; 0 for what is no object.
func (s *Scanner) Members() int {
	return s.members
}

// At returns the text of what was found for a slot of the whole document, as it stands there; nil for nothing.
func (s *Scanner) At(slot int) []byte {
	return s.slots[slot]
}

// Keep appends all slots of the whole document to dst, where they survive the next scan.
func (s *Scanner) Keep(dst [][]byte) [][]byte {
	return append(slices.Grow(dst, len(s.slots)), s.slots...)
}

// Items returns how many items the list has, more than [MaxItems] too.
func (s *Scanner) Items() int {
	return s.items
}

// Item returns the text of what was found for a slot of item i, below [MaxItems].
func (s *Scanner) Item(i, slot int) []byte {
	return s.rows[i*s.plan.itemSlots+slot]
}
