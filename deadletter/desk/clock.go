package desk

import (
	"html/template"
	"strconv"
	"time"
)

// utc is how times look without a script, and in titles.
const utc = "2006-01-02 15:04:05 UTC"

// when is a time as an element. The page's script shows it in the browser's zone.
func (t *texts) when(at time.Time) template.HTML {
	return timeElement(at, "", at.UTC().Format(utc))
}

// ago is the time since at, as an element that the page's script keeps current.
func (t *texts) ago(at, now time.Time) template.HTML {
	d := now.Sub(at)
	key := "time.ago"
	if d < 0 {
		d, key = -d, "time.in"
	}
	text := t.byKey["time.now"][0]
	if d >= 5*time.Second {
		text = t.fill(t.byKey[key][0], []any{t.lasting(d)}, func(s string) string { return s })
	}
	return timeElement(at, ` data-relative=""`, text)
}

func timeElement(at time.Time, attribute, text string) template.HTML {
	if at.IsZero() {
		return "–"
	}
	at = at.UTC()
	return template.HTML(`<time datetime="` + at.Format("2006-01-02T15:04:05.000Z") + //nolint:gosec // no text of others
		`" title="` + at.Format(utc) + `"` + attribute + `>` + template.HTMLEscapeString(text) + `</time>`)
}

// lasting is a duration in its two largest units: 26 s, 4 min 9 s, 3 h 20 min, 11 d 4 h. People compare ages at a
// glance, so seconds beside days say nothing.
func (t *texts) lasting(d time.Duration) string {
	const day = 24 * time.Hour
	d = max(d, 0).Round(time.Second)
	units := []struct {
		key  string
		size time.Duration
	}{{"unit.day", day}, {"unit.hour", time.Hour}, {"unit.minute", time.Minute}, {"unit.second", time.Second}}
	for i, u := range units {
		if d < u.size && u.size > time.Second {
			continue
		}
		text := t.amount(d/u.size, u.key)
		if rest := d % u.size; i+1 < len(units) && rest >= units[i+1].size {
			text += " " + t.amount(rest/units[i+1].size, units[i+1].key)
		}
		return text
	}
	return ""
}

// seconds is lasting for ages in seconds, as workers report them.
func (t *texts) seconds(n float64) string { return t.lasting(time.Duration(n * float64(time.Second))) }

func (t *texts) amount(n time.Duration, unit string) string {
	return strconv.FormatInt(int64(n), 10) + "\u00a0" + t.byKey[unit][0]
}
