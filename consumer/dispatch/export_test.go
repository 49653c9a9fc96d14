package dispatch

// ParseMetadata shows tests what a commit's metadata claims: everything below frontier is finished but the offsets in
// unfinished, the committed one first.
func ParseMetadata(text string) (frontier int64, unfinished []int64, ok bool) {
	m, ok := parseMetadata(text)
	if !ok {
		return 0, nil, false
	}
	return m.frontier, m.unfinished(), true
}
