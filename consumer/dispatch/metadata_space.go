package dispatch

// metadataSpace reserves bytes in a commit's metadata before a call starts, so that every outcome of the calls in
// flight fits. The worst case is that only the last started event finishes: then all unfinished events below it are
// gaps.
type metadataSpace struct {
	reach int64    // one past the last started event, the highest value that the frontier can take
	edge  *pending // the last unfinished event below reach
	used  int      // bytes that the events up to edge may need later
	none  bool     // the first ready event found no space
}

// admit reserves space for an event that is about to start. The window's first event needs none, and neither does an
// event below another started event. So neither a retry nor the event at the committed offset ever waits for space.
func (s *metadataSpace) admit(e *pending, w *window, limit int) bool {
	if e.offset < s.reach {
		return true
	}
	used, edge := s.used, s.edge
	next := w.first
	if edge != nil {
		next = edge.next
	}
	for ; next != nil && next.offset <= e.offset; next = next.next {
		if used += metadataCost(next); used > limit-headerBytes && e != w.first {
			s.none = true
			return false
		}
		edge = next
	}
	s.used, s.edge, s.reach = used, edge, e.offset+1
	return true
}

// release frees the space of an event that is still linked to its neighbours. The free space never shrinks, because two
// gaps become one, which takes no more bytes.
func (s *metadataSpace) release(e *pending) {
	s.none = false
	if e.offset >= s.reach {
		return
	}
	s.used -= metadataCost(e)
	if s.edge == e {
		s.edge = e.prev
	}
	next := e.next
	if next == nil || next.offset >= s.reach {
		return
	}
	s.used -= metadataCost(next)
	if e.prev != nil {
		s.used += distanceCost(e.prev, next)
	}
}

// metadataCost returns how many bytes of metadata an unfinished event takes once something above it is finished. The
// first event is the commit's offset itself and takes none.
func metadataCost(e *pending) int {
	if e.prev == nil {
		return 0
	}
	return distanceCost(e.prev, e)
}

// distanceCost returns how many bytes a comma and the distance from one gap to the next take.
func distanceCost(from, to *pending) int { return width(to.offset-from.offset) + 1 }
