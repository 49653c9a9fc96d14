package deadletter

import (
	"strings"
	"unicode"
)

// storedMessage returns the message for the header: one line, scrubbed, never empty. Scrubbing a stored message again
// changes nothing.
func (l Letter) storedMessage() string {
	const worked = 4 * maxMessage // the rest would be cut off anyway
	const rounds = 16             // two are enough for nearly all messages
	text := clean(l.Message, worked)
	for range rounds {
		// Removing or cutting a piece can turn its neighbours into a quotation or a number. So scrub until nothing
		// changes. Otherwise a letter that is read and stored again would get a different message and fingerprint.
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

// scrub removes personal data and secrets from a message. It keeps the order id and the status, which are in other
// headers anyway.
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

// scrubPiece returns the scrubbed piece. If secret is true, the text before the piece announced a secret.
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

// scrubDigits replaces text that has enough digits for a telephone or card number. It keeps the order id, even beside
// another number.
func scrubDigits(text, orderID string) string {
	const shortest = 10
	if countDigits(text) < shortest || text == orderID || isDate(text) {
		return text
	}
	if orderID != "" {
		before, after, found := strings.Cut(text, orderID)
		digitBefore := before != "" && countDigits(before[len(before)-1:]) > 0
		digitAfter := after != "" && countDigits(after[:1]) > 0
		if found && !digitBefore && !digitAfter {
			return scrubDigits(before, "") + orderID + scrubDigits(after, "")
		}
	}
	return "<number>"
}

// announcesSecret reports whether the next word or quoted string is a secret, as after "password: " or "Bearer ".
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

func countDigits(text string) int {
	n := 0
	for _, c := range []byte(text) {
		if c >= '0' && c <= '9' {
			n++
		}
	}
	return n
}

// isDate reports whether digits begin with a date such as 2026-11-22.
func isDate(digits string) bool {
	return len(digits) >= len("2026-11-22") && digits[4] == '-' && digits[7] == '-' && countDigits(digits[:10]) == 8
}

func isEmail(word string) bool {
	at := strings.IndexByte(word, '@')
	return at > 0 && at < len(word)-1
}

// isToken reports whether a word looks like a key: long, with letters and digits. UUIDs and host names are not keys.
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

// isIdentifier reports whether a quotation looks like an identifier in code, such as 'NoneType' or 'order_id'. Server
// errors are useless without such identifiers, and most people's names have a space or a letter outside ASCII.
func isIdentifier(text string) bool {
	const longest = 40
	for _, c := range []byte(text) {
		if c != '_' && c != '.' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return text != "" && len(text) <= longest
}
