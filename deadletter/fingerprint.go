package deadletter

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// Fingerprint groups letters of like cause: "v1:" and 12 hex digits of a hash over stage, cause, code and the message
// without its numbers, ids, quotations, addresses and dates. It is computed anew on reading, so that a later version of
// the rule regroups old letters too.
func (l Letter) Fingerprint() string {
	const digits = 12
	sum := sha256.Sum256([]byte(strings.Join([]string{
		clean(string(l.Stage), maxWord),
		clean(l.Cause, maxWord),
		strconv.Itoa(l.Code),
		skeleton(l.storedMessage(), l.OrderID),
	}, "\x00")))
	return "v1:" + hex.EncodeToString(sum[:])[:digits]
}

// skeleton is what messages of one cause have in common, at most 200 characters of it.
func skeleton(message, orderID string) string {
	const longest = 200
	if len(orderID) > 3 && strings.ContainsAny(orderID, " /") { // an id of several pieces; others are met one by one
		message = strings.ReplaceAll(message, orderID, "#")
	}
	var out strings.Builder
	for p := range pieces(message) {
		switch {
		case p.kind == pieceQuoted:
			out.WriteString(`"`)
		case p.kind == pieceDigits, p.text == orderID, strings.ContainsAny(p.text, "0123456789@"):
			out.WriteString("#")
		default:
			out.WriteString(p.text)
		}
	}
	runes := []rune(out.String())
	return string(runes[:min(len(runes), longest)])
}
