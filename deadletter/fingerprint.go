package deadletter

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"leadhit-sync/consumer/event"
)

// Fingerprint returns the fingerprint that groups letters with the same kind of failure: "v1:" followed by 12 hex
// digits of a hash of the stage, the cause, the code, and the message without its numbers, ids, quotations, addresses
// and dates. The fingerprint is computed whenever a letter is read, not taken from the header, so that a later version
// of the rule also regroups old letters.
func (l Letter) Fingerprint() string {
	const digits = 12
	sum := sha256.Sum256([]byte(strings.Join([]string{
		clean(l.Stage, maxWord),
		clean(l.Cause, maxWord),
		strconv.Itoa(l.Code),
		skeleton(l.storedMessage(), l.OrderID),
	}, "\x00")))
	return "v1:" + hex.EncodeToString(sum[:])[:digits]
}

// StoredFingerprint returns the fingerprint in the header of a letter's record, or "" if there is none. The rule of the
// release that wrote the letter may differ from ours, but a worker that reads 200,000 letters has no time to recompute
// their fingerprints.
func StoredFingerprint(r event.Record) string {
	for _, h := range r.Headers {
		if h.Key == headerFingerprint {
			return string(h.Value)
		}
	}
	return ""
}

// skeleton returns what a message has in common with others of the same cause, at most 200 characters.
func skeleton(message, orderID string) string {
	const longest = 200
	// An order id that spans several pieces is replaced here. The loop below finds order ids that are a single piece.
	if len(orderID) > 3 && strings.ContainsAny(orderID, " /") {
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
