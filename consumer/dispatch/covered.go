package dispatch

import "slices"

// Covers reports whether a commit says that the event at an offset is finished: the offset is below the committed one,
// or the metadata names it as finished. False proves nothing, because the metadata may leave out finished events.
func Covers(next int64, text string, offset int64) bool {
	if offset < next {
		return true
	}
	m, ok := parseMetadata(text)
	return ok && m.base == next && offset < m.frontier && !slices.Contains(m.unfinished(), offset)
}
