package deadletter

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

type pieceKind uint8

const (
	pieceOther  pieceKind = iota // one rune of white space or punctuation
	pieceWord                    // letters and digits with joining characters: addresses, versions, ids
	pieceDigits                  // digits with the spaces, brackets and hyphens of a telephone number
	pieceQuoted                  // a quotation with its quotation marks
)

type piece struct {
	kind pieceKind
	text string
}

// pieces yields the pieces of a message in order. Joined together, they are the whole message.
func pieces(message string) iter.Seq[piece] {
	return func(yield func(piece) bool) {
		before := ' '
		for message != "" {
			p := next(message, before)
			if !yield(p) {
				return
			}
			before, _ = utf8.DecodeLastRuneInString(p.text)
			message = message[len(p.text):]
		}
	}
}

// next returns the first piece of the message, given the rune that precedes the message.
func next(message string, before rune) piece {
	first, size := utf8.DecodeRuneInString(message)
	apostrophe := first == '\'' && (unicode.IsLetter(before) || unicode.IsDigit(before))
	if end := quotation(message, first, size); end > 0 && !apostrophe {
		return piece{pieceQuoted, message[:end]}
	}
	word := wordLen(message)
	// A telephone number extends past its first word. An address or an id that begins with digits is a word.
	if digits := digitsLen(message); digits > 0 && digits >= word {
		return piece{pieceDigits, message[:digits]}
	}
	if word > 0 {
		return piece{pieceWord, message[:word]}
	}
	return piece{pieceOther, message[:size]}
}

// quotation returns the length of the quotation at the beginning of the message, or 0. Without a closing mark, the rest
// of the message counts as quoted, because the mark may have been cut off, and the rest could contain anything.
func quotation(message string, first rune, size int) int {
	closing := closingMark(first)
	if closing == 0 {
		return 0
	}
	for i, r := range message[size:] {
		if r != closing {
			continue
		}
		end := size + i + utf8.RuneLen(r)
		after, _ := utf8.DecodeRuneInString(message[end:])
		if !unicode.IsLetter(after) && !unicode.IsDigit(after) {
			return end
		}
	}
	return len(message)
}

// closingMark returns the closing mark for an opening one, or 0 if the rune is not a quotation mark.
func closingMark(opening rune) rune {
	switch opening {
	case '\'', '"', '`':
		return opening
	case '«':
		return '»'
	case '“':
		return '”'
	}
	return 0
}

// wordLen returns the length of the word at the beginning of the message, without trailing punctuation.
func wordLen(message string) int {
	end := 0
	for i, r := range message {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r):
			end = i + utf8.RuneLen(r)
		case !strings.ContainsRune("@._+-", r):
			return end
		}
	}
	return end
}

// digitsLen returns the length of the digits at the beginning of the message, with the separators between them.
func digitsLen(message string) int {
	end := 0
	for i, c := range []byte(message) {
		switch {
		case c >= '0' && c <= '9':
			end = i + 1
		case !strings.ContainsRune("+()- ", rune(c)) || i == 0 && c != '+' && c != '(':
			return end
		}
	}
	return end
}

// unquote splits a quotation into its opening mark, the text inside, and its closing mark. The closing mark is empty if
// the quotation has none.
func unquote(quoted string) (opening, inner, closing string) {
	first, size := utf8.DecodeRuneInString(quoted)
	opening, inner = quoted[:size], quoted[size:]
	mark := string(closingMark(first))
	if before, ok := strings.CutSuffix(inner, mark); ok {
		return opening, before, mark
	}
	return opening, inner, ""
}
