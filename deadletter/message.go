package deadletter

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// storedMessage is the message as a header shows it: one line, scrubbed, never empty. A message that comes back from a
// stored letter stays as it is.
func (l Letter) storedMessage() string {
	const worked = 4 * maxMessage // no use in scrubbing what is cut off
	const rounds = 16             // two are enough for nearly all
	text := clean(l.Message, worked)
	for range rounds {
		// What is taken out or cut off can make a quotation or a number of what stood beside it. So it is done again
		// until nothing changes: a letter that is written again stays the letter it was.
		again := clean(scrub(text, l.OrderID, l.Status), maxMessage)
		if again == text {
			break
		}
		text = again
	}
	if text == "" {
		return "(no message)"
	}
	return text
}

// scrub takes out of a message what may belong to a person or open a door. It keeps the order id and the status, which
// the letter shows anyway.
func scrub(message, orderID, status string) string {
	var out strings.Builder
	secretNext := false
	for p := range pieces(message) {
		if keep := p.text == orderID || p.text == status; keep {
			out.WriteString(p.text)
		} else {
			out.WriteString(scrubPiece(p, orderID, status, secretNext))
		}
		secretNext = announcesSecret(p, secretNext)
	}
	return out.String()
}

// scrubPiece returns what remains of a piece; secret says that the words before it announced one.
func scrubPiece(p piece, orderID, status string, secret bool) string {
	if p.kind == pieceQuoted {
		opening, inner, closing := unquote(p.text)
		if secret || inner != orderID && inner != status && !isIdentifier(inner) {
			inner = "…"
		}
		return opening + inner + closing
	}
	switch {
	case p.kind == pieceOther:
		return p.text
	case secret, p.kind == pieceWord && isToken(p.text):
		return "<secret>"
	case p.kind == pieceDigits:
		return scrubDigits(p.text, orderID)
	case isEmail(p.text):
		return "<e-mail>"
	}
	return p.text
}

// scrubDigits takes out a run of digits that is long enough for a telephone or a card. The order id stays, also where
// another number stands beside it.
func scrubDigits(text, orderID string) string {
	const shortest = 10
	if countDigits(text) < shortest || text == orderID || isDate(text) {
		return text
	}
	if orderID != "" {
		before, after, found := strings.Cut(text, orderID)
		alone := found && (before == "" || countDigits(before[len(before)-1:]) == 0) && (after == "" || countDigits(after[:1]) == 0)
		if alone {
			return scrubDigits(before, "") + orderID + scrubDigits(after, "")
		}
	}
	return "<number>"
}

// announcesSecret tells whether the next word or quotation is a secret: the one behind "password: " or "Bearer ".
func announcesSecret(p piece, announced bool) bool {
	switch p.kind {
	case pieceWord:
		switch strings.ToLower(p.text) {
		case "api-key", "apikey", "api_key", "token", "password", "passwd", "secret", "authorization", "bearer":
			return true
		}
		return false
	case pieceOther:
		return announced && strings.Trim(p.text, ":= ") == ""
	case pieceQuoted, pieceDigits:
	}
	return false
}

type pieceKind uint8

const (
	pieceOther  pieceKind = iota // white space and punctuation, one rune
	pieceWord                    // letters, digits and what joins them: addresses, versions, ids
	pieceDigits                  // digits with the spaces, brackets and hyphens of a telephone number
	pieceQuoted                  // a quotation with its marks
)

type piece struct {
	kind pieceKind
	text string
}

// pieces cuts a message apart; joined, the pieces are the message.
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

// next returns the piece that begins the message; before is the rune that stood before it.
func next(message string, before rune) piece {
	first, size := utf8.DecodeRuneInString(message)
	apostrophe := first == '\'' && (unicode.IsLetter(before) || unicode.IsDigit(before))
	if end := quotation(message, first, size); end > 0 && !apostrophe {
		return piece{pieceQuoted, message[:end]}
	}
	word := wordLen(message)
	// A telephone number is longer than its first word; an address or an id that begins with digits is a word.
	if digits := digitsLen(message); digits > 0 && digits >= word {
		return piece{pieceDigits, message[:digits]}
	}
	if word > 0 {
		return piece{pieceWord, message[:word]}
	}
	return piece{pieceOther, message[:size]}
}

// quotation returns where the quotation that begins the message ends, 0 if none does. One without an end, for the
// message was cut, goes on to the end: it may hold anything.
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

// closingMark returns the quotation mark that answers the opening one, 0 if it is none.
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

// wordLen returns how long the word is that begins the message, without the full stop or hyphen behind it.
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

// digitsLen returns how long the run of digits is that begins the message, with the separators between them.
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

func countDigits(text string) int {
	n := 0
	for _, c := range []byte(text) {
		if c >= '0' && c <= '9' {
			n++
		}
	}
	return n
}

// isDate tells whether digits begin as 2026-11-22 does.
func isDate(digits string) bool {
	return len(digits) >= len("2026-11-22") && digits[4] == '-' && digits[7] == '-' && countDigits(digits[:10]) == 8
}

func isEmail(word string) bool {
	at := strings.IndexByte(word, '@')
	return at > 0 && at < len(word)-1
}

// isToken tells whether a word looks like a key: long, letters and digits mixed. A UUID is none, nor is a host's name.
func isToken(word string) bool {
	const shortest = 24
	if isUUID(word) {
		return false
	}
	for part := range strings.SplitSeq(word, ".") {
		if len(part) >= shortest && countDigits(part) > 0 && strings.ContainsFunc(part, unicode.IsLetter) {
			return true
		}
	}
	return false
}

func isUUID(word string) bool {
	if len(word) != 36 {
		return false
	}
	for i, c := range []byte(word) {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		if hyphen != (c == '-') || !hyphen && !hex {
			return false
		}
	}
	return true
}

// isIdentifier tells whether a quotation names a thing of the program ('NoneType', 'order_id') and not of a person.
func isIdentifier(text string) bool {
	const longest = 40
	for _, c := range []byte(text) {
		if c != '_' && c != '.' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return text != "" && len(text) <= longest
}

// unquote takes a quotation apart; closing is empty where its end is missing.
func unquote(quoted string) (opening, inner, closing string) {
	first, size := utf8.DecodeRuneInString(quoted)
	opening, inner = quoted[:size], quoted[size:]
	mark := string(closingMark(first))
	if before, ok := strings.CutSuffix(inner, mark); ok {
		return opening, before, mark
	}
	return opening, inner, ""
}
