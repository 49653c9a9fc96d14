package leadhit

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bytes of other people's text that we keep.
const (
	maxMessage = 1 << 10
	maxExcerpt = 256
	maxLabel   = 256
)

const hidden = "***"

// clean makes text from outside fit for logs, letters and terminals: the secret is hidden, white space becomes single
// spaces, what steers a terminal or turns the reading direction (U+202E) is taken out, and the rest is cut at limit bytes.
// The secret goes first, lest a cut leave half of it.
func clean(text, secret string, limit int) string {
	if secret != "" {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	var b strings.Builder
	space := false
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			continue
		}
		size := utf8.RuneLen(r)
		if space {
			size++
		}
		if b.Len()+size > limit {
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	if secret != "" {
		// Taking out what cannot be seen may have put the secret together again.
		return strings.ReplaceAll(b.String(), secret, hidden)
	}
	return b.String()
}
