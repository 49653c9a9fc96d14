package tree

import "slices"

// KindOf returns the kind of a JSON value: the first byte of its text, which is one of { [ " t f n, or the digit '0'
// for any number. For empty text it is the zero byte.
func KindOf(text []byte) byte {
	if len(text) == 0 {
		return 0
	}
	if c := text[0]; c != '-' && (c < '0' || c > '9') {
		return c
	}
	return '0'
}

// Kind returns the kind of the document, as [KindOf] does. It needs no slot for the whole document.
func (s *Scanner) Kind() byte {
	return byte(s.kind)
}

// Members returns how many members the document has, or 0 if it is not an object.
func (s *Scanner) Members() int {
	return s.members
}

// At returns the text of the value found for a slot of the whole document, or nil if there is none. The result is a
// part of the scanned text.
func (s *Scanner) At(slot int) []byte {
	return s.slots[slot]
}

// Keep appends the values in all slots of the whole document to dst. They stay valid after the next scan, as long as
// the scanned text is not changed.
func (s *Scanner) Keep(dst [][]byte) [][]byte {
	return append(slices.Grow(dst, len(s.slots)), s.slots...)
}

// Items returns how many items the list has, even if that is more than [MaxItems].
func (s *Scanner) Items() int {
	return s.items
}

// Item returns the text of the value found for a slot of item i, or nil if there is none. i must be below [MaxItems].
func (s *Scanner) Item(i, slot int) []byte {
	return s.rows[i*s.plan.itemSlots+slot]
}
