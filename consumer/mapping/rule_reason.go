package mapping

import (
	"strconv"
	"strings"
)

// maxQuoted limits the text of a field in a reason, in bytes.
const maxQuoted = 80

// A reason is the author's sentence about a rule, with the fields that it quotes.
type reason struct {
	texts  []string // one before each field, and one after the last
	fields []int    // indexes of the fields
}

// because returns the text of a reason for this event. It quotes a field only if the author names it, because payloads
// may contain personal data.
func (r *run) because(why reason) string {
	switch {
	case len(why.texts) == 0:
		return "" // a list has no reason
	case len(why.fields) == 0:
		return why.texts[0]
	}
	var b strings.Builder
	for i, field := range why.fields {
		b.WriteString(why.texts[i])
		b.WriteString(r.quoted(field))
	}
	b.WriteString(why.texts[len(why.fields)])
	return shorten(b.String(), maxMessage)
}

// quoted returns a field's text in quotes, or a note in parentheses that says why there is none. For a field of type
// present it returns true or false.
func (r *run) quoted(i int) string {
	v := r.value(i)
	switch {
	case r.program.fields[i].kind == kindPresent:
		// The text may be anything, and the author asked only whether there is any.
		return strconv.FormatBool(v.flag)
	case v.state == statePresent:
		return strconv.Quote(shorten(v.text, maxQuoted))
	case v.absent:
		return "(missing)"
	case v.state == stateNull && r.program.fields[i].firstOf:
		return "(null or empty)"
	case v.state == stateNull:
		return "(null)"
	}
	return "(not readable)"
}
