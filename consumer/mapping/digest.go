package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"slices"
	"strings"

	"leadhit-sync/config/credentials"
)

// Digest returns 12 hex digits that identify the content of a mapping: a hash of the file, its presets and the schema
// files that it names. Schemas from a schema registry are not included.
func (m *Mapping) Digest() string { return m.digest }

// checksums are the hashes of the files that a load has read.
type checksums struct{ all []string }

// took adds the hash of a file's text.
func (c *checksums) took(text []byte) {
	sum := sha256.Sum256(text)
	c.all = append(c.all, hex.EncodeToString(sum[:]))
}

// reader returns a function that reads a file and adds it to the checksums. Paths in the mapping are relative to dir,
// the folder of the mapping file.
func (c *checksums) reader(file string) (read func(string) ([]byte, error), dir string) {
	plain, dir := credentials.Read, filepath.Dir(file)
	if strings.HasPrefix(file, presetPrefix) {
		plain, dir = presetFiles.ReadFile, presetDir
	}
	return func(name string) ([]byte, error) {
		text, err := plain(name)
		if err == nil {
			c.took(text)
		}
		return text, err
	}, dir
}

// digest returns the mapping's digest. It depends neither on the order in which files were read nor on how often,
// because a schema may be read more than once.
func (c *checksums) digest() string {
	const digits = 12
	all := slices.Compact(slices.Sorted(slices.Values(c.all)))
	sum := sha256.Sum256([]byte(strings.Join(all, "\n")))
	return hex.EncodeToString(sum[:])[:digits]
}
