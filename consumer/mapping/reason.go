package mapping

import (
	"regexp"
	"strconv"
	"strings"
)

// maxQuoted bounds a field's text within a reason, in bytes.
const maxQuoted = 80

// A reason is why a rule decides, with the fields that it quotes.
type reason struct {
	texts  []string // what stands before each field, and behind the last
	fields []int    // indexes of the fields
}

// reason compiles a rule's reason. A field's name in braces is replaced by the field's text.
func (c *compiler) reason(s ruleSpec) reason {
	text := s.reason.value
	if text == "" {
		text = s.where
	}
	placeholder := regexp.MustCompile(`\{([A-Za-z_][A-Za-z0-9_]*)\}`)
	var r reason
	end := 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		name := text[at[2]:at[3]]
		i, ok := c.program.index[name]
		if !ok {
			c.add(s.reason.place, s.where+".reason", "%s", unknown("field", name, c.fieldNames()))
			continue
		}
		r.texts, r.fields = append(r.texts, text[end:at[0]]), append(r.fields, i)
		end = at[1]
	}
	r.texts = append(r.texts, text[end:])
	return r
}

// because writes the reason for this event. It quotes a field only where the rule's author asks for it by name.
func (r *run) because(why reason) string {
	switch {
	case len(why.texts) == 0:
		return "" // of a list
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

// quoted is a field's text in quotes, or what is to be said of it where it has none.
func (r *run) quoted(i int) string {
	v := r.value(i)
	switch {
	case r.program.fields[i].kind == kindPresent:
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
