package view

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

// Filter selects letters. An empty field selects every letter. A list selects letters with any of its elements.
type Filter struct {
	Cause, Topic, Fingerprint string
	Code                      string // the JSON-RPC error code or the HTTP status
	Orders                    []string
	IDs                       []ledger.ID
	States                    []fold.State
	Since, Until              time.Time // the last failure was at Since or later, and before Until
	// Version is the worker's version, with or without an operator: <1.9.0, <=1.9.0, >1.9.0, >=1.9.0, =1.9.0 or 1.9.0.
	Version string
	// Headers are patterns for the event's own headers: * matches any text, ? matches one character. All of them must
	// match.
	Headers map[string]string
	// AllGroups includes letters of other consumer groups that share the topic.
	AllGroups bool
}

// Empty reports whether the filter selects every letter of the group.
func (f Filter) Empty() bool {
	return f.Cause == "" && f.Topic == "" && f.Fingerprint == "" && f.Code == "" && len(f.Orders) == 0 &&
		len(f.IDs) == 0 && len(f.States) == 0 && f.Since.IsZero() && f.Until.IsZero() && f.Version == "" &&
		len(f.Headers) == 0
}

var errVersion = errors.New("want a version such as 1.9.0, or a comparison such as <1.9.0 or >=1.9.0")

// CheckVersion returns an error if the text cannot be a Filter's Version.
func CheckVersion(text string) error {
	if _, version := operator(text); version == "" || len(numbers(version)) == 0 {
		return errVersion
	}
	return nil
}

// prepared is a filter with its compiled parts.
type prepared struct {
	Filter

	ids      map[ledger.ID]bool
	patterns map[int]*regexp.Regexp // by index in View.headers
	never    bool                   // it asks for a header that was dropped
	states   uint8                  // a bit for each of States
	since    int64                  // in milliseconds; noTime for none
	until    int64
	versions map[string]bool // results by version, because many letters share a few versions
}

// prepare compiles the filter, so that a pass over all letters is fast. A filter by a header that the view does not
// keep matches no letter.
func (f Filter) prepare(headers []string) prepared {
	p := prepared{
		Filter: f, ids: map[ledger.ID]bool{}, patterns: map[int]*regexp.Regexp{}, versions: map[string]bool{},
		since: ceiling(f.Since), until: ceiling(f.Until),
	}
	for _, s := range f.States {
		if i := slices.Index(fold.States(), s); i >= 0 {
			p.states |= 1 << i
		}
	}
	for _, id := range f.IDs {
		p.ids[id] = true
	}
	for name, glob := range f.Headers {
		i := slices.Index(headers, name)
		p.never = p.never || i < 0
		p.patterns[i] = pattern(glob)
	}
	return p
}

// pattern compiles a glob, which must match the whole text, as in a shell. Unlike in a shell, a slash is an ordinary
// character.
func pattern(glob string) *regexp.Regexp {
	// Package regexp does not compile invalid UTF-8, and reads an invalid byte in its input as the replacement
	// character.
	quoted := regexp.QuoteMeta(strings.ToValidUTF8(glob, "\uFFFD"))
	quoted = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(quoted)
	return regexp.MustCompile("(?s)^" + quoted + "$")
}

// match reports whether a letter matches. It makes the cheap comparisons first.
func (p *prepared) match(k *kept) bool {
	is := func(wanted, got string) bool { return wanted == "" || wanted == got }
	switch {
	case p.never, !is(p.Cause, k.cause), !is(p.Topic, k.topic), !is(p.Fingerprint, k.fingerprint),
		p.Code != "" && p.Code != strconv.Itoa(k.code),
		len(p.Orders) > 0 && !slices.Contains(p.Orders, k.order),
		len(p.ids) > 0 && !p.ids[k.id()],
		p.since != noTime && k.failed < p.since,
		p.until != noTime && k.failed >= p.until,
		p.Version != "" && !p.matchVersion(k.version),
		len(p.patterns) > 0 && !p.matchHeaders(k.headers):
		return false
	}
	return p.in(k.state)
}

func (p *prepared) matchVersion(version string) bool {
	matches, known := p.versions[version]
	if !known {
		matches = versionIs(p.Version, version)
		p.versions[version] = matches
	}
	return matches
}

// in reports whether the filter selects letters in a state.
func (p *prepared) in(state uint8) bool { return len(p.States) == 0 || p.states>>state&1 == 1 }

// ceiling returns the first whole millisecond that is not before the given time. Letters have times in whole
// milliseconds.
func ceiling(t time.Time) int64 {
	ms := millis(t)
	if ms != noTime && moment(ms).Before(t) {
		ms++
	}
	return ms
}

func (p *prepared) matchHeaders(values *[]string) bool {
	for i, pattern := range p.patterns {
		if values == nil || !pattern.MatchString((*values)[i]) {
			return false
		}
	}
	return true
}

// operator splits a Filter's Version into the operator and the version.
func operator(text string) (op, version string) {
	for _, op := range []string{"<=", ">=", "<", ">", "="} {
		if version, found := strings.CutPrefix(text, op); found {
			return op, version
		}
	}
	return "=", text
}

// versionIs reports whether a worker's version is one that a Filter's Version selects. A version without numbers, such
// as "dev", equals only itself.
func versionIs(wanted, got string) bool {
	op, version := operator(wanted)
	if len(numbers(got)) == 0 {
		return op == "=" && version == got
	}
	c := compareVersions(got, version)
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	default:
		return c == 0
	}
}

// compareVersions compares the numbers of two versions: 1.10.0 is newer than 1.9.2. What follows a plus sign names the
// commit and does not count. A version with a hyphen comes before the same version without a hyphen.
func compareVersions(a, b string) int {
	x, y := numbers(a), numbers(b)
	for len(x) < len(y) {
		x = append(x, 0)
	}
	for len(y) < len(x) {
		y = append(y, 0)
	}
	if c := slices.Compare(x, y); c != 0 {
		return c
	}
	_, preA, isA := strings.Cut(a, "-")
	_, preB, isB := strings.Cut(b, "-")
	switch {
	case isA == isB:
		return strings.Compare(preA, preB)
	case isA:
		return -1
	}
	return 1
}

// numbers returns the numbers of a version, without what follows a hyphen or a plus sign; none if any part between the
// dots is not a number.
func numbers(version string) []int {
	version, _, _ = strings.Cut(strings.TrimPrefix(version, "v"), "+")
	version, _, _ = strings.Cut(version, "-")
	var all []int
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return nil
		}
		all = append(all, n)
	}
	return all
}

// String returns the filter as flags of the command line, for people and for the ledger's entry about a run.
func (f Filter) String() string {
	var all []string
	add := func(name, value string) {
		if value != "" {
			all = append(all, fmt.Sprintf("--%s %s", name, quoted(value)))
		}
	}
	add("cause", f.Cause)
	add("topic", f.Topic)
	add("fingerprint", f.Fingerprint)
	add("code", f.Code)
	add("order", strings.Join(f.Orders, ","))
	var states []string
	for _, s := range f.States {
		states = append(states, string(s))
	}
	add("state", strings.Join(states, ","))
	add("since", written(f.Since))
	add("until", written(f.Until))
	add("version", f.Version)
	for _, name := range slices.Sorted(maps.Keys(f.Headers)) {
		add("header", name+"="+f.Headers[name])
	}
	for _, id := range f.IDs {
		all = append(all, id.String())
	}
	return strings.Join(all, " ")
}

func written(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// quoted quotes a value that a shell would split or interpret.
func quoted(value string) string {
	special := func(r rune) bool {
		return !strings.ContainsRune("-_./:,+=@#", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}
	if strings.ContainsFunc(value, special) {
		return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
	}
	return value
}
