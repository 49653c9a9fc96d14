package leadhit

import (
	"strings"
	"unicode"
)

// Limits, in bytes, for text that comes from outside.
const (
	maxMessage = 1 << 10
	maxExcerpt = 256
	maxLabel   = 256
	// maxCleaned limits the input that clean processes. It is enough for a page that begins with white space.
	maxCleaned = 16 << 10
)

const hidden = "***"

// clean makes foreign text safe for logs, letters and terminals. It hides the secret, turns white space into single
// spaces, keeps only printable characters, and cuts the text at limit bytes. Characters that Go does not call printable
// could control a terminal or reverse the direction of the text (U+202E).
func clean(text, secret string, limit int) string {
	hide := func(text string) string {
		if secret == "" {
			return text
		}
		return strings.ReplaceAll(text, secret, hidden)
	}
	// Hide before each cut, because a cut could leave half of the secret.
	text = hide(text)
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return -1
	}, text[:min(len(text), maxCleaned)])
	// Hide again, because dropping an invisible character can put the secret back together.
	text = hide(strings.Join(strings.Fields(text), " "))
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") // the cut may split a character
	}
	return strings.TrimSuffix(text, " ")
}
