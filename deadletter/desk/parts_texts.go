package desk

import (
	"html/template"
	"time"
)

// own returns this package's language-dependent template functions.
func (t *texts) own() template.FuncMap {
	return template.FuncMap{"age": t.age, "percent": percent}
}

// age returns how far a time is from now, in one unit. Tables are dense, and their headings show whether the time is
// past or future.
func (t *texts) age(at, now time.Time) template.HTML {
	return timeElement(at, ` data-relative="short"`, t.units(now.Sub(at).Abs(), 1))
}

// percent returns a share as a percentage, rounded down, so that the result is 100 only if nothing is missing.
func percent(part, whole int) int {
	if whole <= 0 {
		return 0
	}
	return part * 100 / whole
}
