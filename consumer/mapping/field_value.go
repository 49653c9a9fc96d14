package mapping

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A value is the value of a field for one order. A null value has a problem too, which says why it is null.
type value struct {
	state   state
	absent  bool // no source has anything, not even null
	text    string
	flag    bool
	number  float64
	when    time.Time
	source  *source // where it was found
	problem string
}

// A state says whether a value was read. The zero state is stateUnread, so clearing the values prepares them for the
// next order.
type state uint8

const (
	stateUnread state = iota
	stateNull
	statePresent
	stateFlawed
)

// A literal is the raw value at a source: JSON, or the plain text of a header or a key. A nil text means absent.
type literal struct {
	text  []byte
	plain bool
}

// value returns a field's value. The value is read once per order, and only if it is needed.
func (r *run) value(i int) *value {
	v := &r.values[i]
	if v.state == stateUnread {
		r.read(&r.program.fields[i], v)
	}
	return v
}

// read reads a value from the sources, in their order.
func (r *run) read(f *field, v *value) {
	v.state, v.absent, v.problem = stateNull, true, f.missing
	for i := range f.sources {
		if r.from(f, &f.sources[i], v) {
			break
		}
	}
	if f.kind == kindPresent {
		if v.flag = v.state == statePresent; v.flag {
			v.problem = ""
		}
		v.state = statePresent // false is a value too, and the problem says why it is false
	}
	if f.kind == kindTime && f.name == "event_time" && v.state == stateNull && usable(r.record.Time.UTC()) {
		v.state, v.when, v.source = statePresent, r.record.Time.UTC(), nil
	}
}

// from reads the value from one source. done is false if the next source must be tried.
func (r *run) from(f *field, src *source, v *value) (done bool) {
	lit, problem := r.literal(src)
	v.absent = v.absent && lit.text == nil && problem == ""
	switch {
	case problem != "":
		v.state, v.source, v.problem = stateFlawed, src, f.name+" is "+problem
		return true
	case lit.text == nil:
		return false
	case !lit.plain && lit.text[0] == 'n':
		v.problem = f.name + " is null"
		return false
	case f.firstOf && lit.empty():
		return false
	}
	v.source = src
	return r.convert(f, src, lit, v)
}

func (l literal) empty() bool {
	if l.plain {
		return len(l.text) == 0
	}
	return string(l.text) == `""`
}

// convert reads the value from a literal. done is false if extract does not match, or if first_of skips empty text.
func (r *run) convert(f *field, src *source, lit literal, v *value) (done bool) {
	if f.kind == kindPresent && src.extract == nil && f.extract == nil {
		if v.problem = f.name + " is an empty string"; !lit.empty() {
			v.state = statePresent
		}
		return true
	}
	text, problem := r.textOf(f, lit)
	if problem != "" {
		v.state, v.problem = stateFlawed, f.name+" is "+problem
		return true
	}
	text, found := f.extracted(src, text)
	if !found {
		v.problem = f.name + " does not match extract"
		return false
	}
	text = f.normal(text)
	// normalize and extract may leave nothing, which first_of skips like an empty string.
	if f.firstOf && text == "" {
		return false
	}
	if f.pattern != nil && !f.pattern.MatchString(text) {
		v.state, v.problem = stateFlawed, f.name+" does not match the pattern"
		return true
	}
	f.typed(text, v)
	return true
}

// extracted applies the extract of the source, and then the field's.
func (f *field) extracted(src *source, text string) (part string, found bool) {
	for _, re := range [...]*regexp.Regexp{src.extract, f.extract} {
		if re == nil {
			continue
		}
		m := re.FindStringSubmatchIndex(text)
		if m == nil || m[2] < 0 {
			return "", false
		}
		text = text[m[2]:m[3]]
	}
	return text, true
}

// typed converts the text to the field's type.
func (f *field) typed(text string, v *value) {
	v.state, v.text = statePresent, text
	problem := ""
	if len(text) > f.limit {
		problem = fmt.Sprintf("a string of %d bytes, more than %d", len(text), f.limit)
	}
	switch f.kind {
	case kindString:
	case kindID:
		if text == "" {
			problem = "an empty string"
		}
	case kindBool:
		switch text {
		case "true", "1":
			v.flag = true
		case "false", "0":
		default:
			problem = "not true, false, 1 or 0"
		}
	case kindNumber:
		var ok bool
		if v.number, ok = parseNumber(text); !ok {
			problem = "a string that is not a number"
		}
	case kindPresent:
		if text == "" {
			v.state = stateNull
		}
	case kindTime:
		var ok bool
		if v.when, ok = f.time.parse(text); !ok {
			v.state, v.problem = stateNull, f.name+" is not a readable time"
		}
	}
	if problem != "" {
		*v = value{state: stateFlawed, source: v.source, problem: f.name + " is " + problem}
	}
}

// parseNumber reads a number as JSON writes it, with leading zeros allowed. ParseFloat alone would also accept 0x1p-2,
// 1_000 and Inf.
func parseNumber(text string) (float64, bool) {
	digits := strings.TrimLeft(strings.TrimPrefix(text, "-"), "0123456789")
	if len(digits) == len(strings.TrimPrefix(text, "-")) {
		return 0, false
	}
	if fraction, ok := strings.CutPrefix(digits, "."); ok {
		digits = strings.TrimLeft(fraction, "0123456789")
		if len(digits) == len(fraction) {
			return 0, false
		}
	}
	if digits != "" && digits[0] != 'e' && digits[0] != 'E' {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}

// parse reads a time. It returns false if the time is unreadable or not usable. For example, some platforms write the
// year 1 for "none".
func (t timeFormat) parse(text string) (time.Time, bool) {
	when, ok := t.read(text)
	return when, ok && usable(when)
}

// usable reports whether a time can be the time of an event. Some producers count in the wrong unit: nanoseconds read
// as milliseconds give the year 57 million, which CEL cannot compare.
func usable(when time.Time) bool { return when.Year() >= 2000 && when.Year() < 10000 }

// read reads a time of any year. A count that is an integer is read as an integer, so that no digit is lost.
func (t timeFormat) read(text string) (time.Time, bool) {
	if t.unit != 0 {
		n, ok := parseNumber(text)
		perSecond := float64(time.Second / t.unit)
		if !ok || n < 0 || n/perSecond > 1e12 {
			return time.Time{}, false
		}
		// A float keeps 53 bits, too few for microseconds beyond the year 2255.
		if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
			units := int64(time.Second / t.unit)
			return time.Unix(whole/units, whole%units*int64(t.unit)).UTC(), true
		}
		return time.UnixMicro(int64(n / perSecond * 1e6)).UTC(), true
	}
	zone := t.zone
	layouts := [...]string{t.layout, "", ""}
	if t.layout == "" {
		layouts[0] = time.RFC3339
		if zone != nil {
			layouts[1], layouts[2] = "2006-01-02T15:04:05", time.DateTime
		}
	}
	if zone == nil {
		zone = time.UTC
	}
	for _, layout := range layouts {
		if layout == "" {
			break
		}
		if when, err := time.ParseInLocation(layout, text, zone); err == nil {
			return when.UTC(), true
		}
	}
	return time.Time{}, false
}
