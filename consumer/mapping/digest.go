package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Digest tells one mapping from another: 12 hex digits of a hash over all that was read for it, the file, the presets it builds
// on and the schemas beside it. What a schema registry holds is not in it.
func (m *Mapping) Digest() string { return m.digest }

// sources are the sums of what a load has read, in the order of the reading.
type sources struct{ sums []string }

// took notes what was read.
func (s *sources) took(text []byte) {
	sum := sha256.Sum256(text)
	s.sums = append(s.sums, hex.EncodeToString(sum[:]))
}

// reader is readerFor, with what is read noted.
func (s *sources) reader(file string) (read func(string) ([]byte, error), dir string) {
	plain, dir := readerFor(file)
	return func(name string) ([]byte, error) {
		text, err := plain(name)
		if err == nil {
			s.took(text)
		}
		return text, err
	}, dir
}

// digest does not depend on the order: a schema may be read more than once, or when it is first needed.
func (s *sources) digest() string {
	const digits = 12
	all := slices.Compact(slices.Sorted(slices.Values(s.sums)))
	sum := sha256.Sum256([]byte(strings.Join(all, "\n")))
	return hex.EncodeToString(sum[:])[:digits]
}
