package desk

import (
	"html/template"
	"strconv"
	"strings"
	"time"
)

// utc is the layout of times in titles, and in pages whose script does not run.
const utc = "2006-01-02 15:04:05 UTC"

// when returns a time as an HTML element. The page's script shows it in the browser's zone.
func (t *texts) when(at time.Time) template.HTML {
	return timeElement(at, "", at.UTC().Format(utc))
}

// ago returns the time since at, as an HTML element that the page's script keeps current.
func (t *texts) ago(at, now time.Time) template.HTML {
	d := now.Sub(at)
	key := "time.ago"
	if d < 0 {
		d, key = -d, "time.in"
	}
	text := t.byKey["time.now"][0]
	if d >= 5*time.Second {
		text = t.fill(t.byKey[key][0], []any{t.units(d, 1)}, func(s string) string { return s })
	}
	return timeElement(at, ` data-relative=""`, text)
}

// timeElement returns a time element with the given text. Its tooltip shows the full time, because the text may be an
// age.
func timeElement(at time.Time, attribute, text string) template.HTML {
	if at.IsZero() {
		return "–"
	}
	at = at.UTC()
	//nolint:gosec // no text from outside
	return template.HTML(`<time datetime="` + at.Format("2006-01-02T15:04:05.000Z") +
		`" title="` + at.Format(utc) + `"` + attribute + `>` + template.HTMLEscapeString(text) + `</time>`)
}

// lasting returns a duration in its two largest units: 26 s, 4 min 9 s, 3 h 20 min, 11 d 4 h. People compare durations
// at a glance, and seconds beside days would not help them.
func (t *texts) lasting(d time.Duration) string { return t.units(d, 2) }

// units returns a duration in at most the given number of its largest units.
func (t *texts) units(d time.Duration, most int) string {
	d = max(d, 0).Round(time.Second)
	units := []struct {
		key  string
		size time.Duration
	}{{"unit.day", 24 * time.Hour}, {"unit.hour", time.Hour}, {"unit.minute", time.Minute}, {"unit.second", time.Second}}
	var all []string
	for i, u := range units {
		last := i == len(units)-1
		if n := d / u.size; n > 0 || last && len(all) == 0 {
			all = append(all, strconv.FormatInt(int64(n), 10)+"\u00a0"+t.byKey[u.key][0])
			d %= u.size
		} else if len(all) > 0 {
			break
		}
	}
	return strings.Join(all[:min(len(all), most)], " ")
}

// seconds is like lasting, for the ages in seconds that workers report.
func (t *texts) seconds(n float64) string { return t.lasting(time.Duration(n * float64(time.Second))) }
