package desk

import (
	"bytes"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// hidden stands for a part of a value that is not shown.
	hidden = "•••"
	// maxMasked and maxMaskedDepth limit the text, because a value of a megabyte, or one that is only brackets, would
	// become a page that no browser can display.
	maxMasked      = 64 << 10
	maxMaskedDepth = 20
)

// maskedValue lays out a JSON value, and hides what may be personal data: each string, number and boolean, except those
// in shown, which the page shows anyway. It returns false for a value that is not JSON, or is too large or too deep.
func maskedValue(value []byte, shown ...string) (text string, ok bool) {
	if len(value) > maxMasked {
		return "", false
	}
	var b bytes.Buffer
	lenient := []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
	from := jsontext.NewDecoder(bytes.NewReader(value), lenient...)
	to := jsontext.NewEncoder(&b, append(lenient, jsontext.Multiline(true), jsontext.WithIndent("  "))...)
	for {
		token, err := from.ReadToken()
		if err != nil || from.StackDepth() > maxMaskedDepth {
			return "", false
		}
		kind, read := from.StackIndex(from.StackDepth())
		isName := kind == jsontext.KindBeginObject && read%2 == 1
		if err := to.WriteToken(mask(token, isName, shown)); err != nil {
			return "", false
		}
		if from.StackDepth() == 0 {
			break
		}
	}
	// There must be one value and nothing after it, because anything after it would be dropped silently.
	if len(bytes.TrimSpace(value[from.InputOffset():])) > 0 {
		return "", false
	}
	return string(bytes.TrimSpace(b.Bytes())), true
}

// mask returns the token, or the token that hides it.
func mask(token jsontext.Token, isName bool, shown []string) jsontext.Token {
	switch kind := token.Kind(); {
	case isName && isMemberName(token.String()):
		return token.Clone()
	case isName:
		return jsontext.String(hidden)
	case kind == jsontext.KindString || kind == jsontext.KindNumber:
		if text := token.String(); text != "" && slices.Contains(shown, text) {
			return token.Clone()
		}
		return jsontext.String(hidden)
	case kind == jsontext.KindTrue || kind == jsontext.KindFalse:
		return jsontext.String(hidden)
	}
	return token.Clone() // brackets, and null
}

// isMemberName reports whether a name belongs to the schema of events. Some producers use e-mail addresses or customer
// numbers as names; these are data. A name may begin with one of @ $ #. A letter or _ follows, and after that letters,
// digits and _ : . - in any order, but at most four digits in a row. This is not a regular expression, because \p{L},
// repeated 64 times, compiles to two megabytes, which every worker would keep in memory.
func isMemberName(name string) bool {
	const most, mostDigits = 64, 4 // characters; digits in a row
	if name != "" && strings.ContainsRune("@$#", rune(name[0])) {
		name = name[1:]
	}
	characters, digits := 0, 0
	for _, c := range name {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '_' || unicode.IsLetter(c):
			digits = 0
		case strings.ContainsRune(":.-", c):
			digits = 0
		default:
			return false
		}
		first := characters == 0
		if characters++; characters > most || digits > mostDigits || first && c != '_' && !unicode.IsLetter(c) {
			return false
		}
	}
	return characters > 0
}
