package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// DidYouMean returns the setting that a variable's name probably misspells. It returns "" if there is none or if the
// name is a setting.
func DidYouMean(name string) string { return suggest(name, settingsOf(new(Config))) }

// misspelt returns a line for each variable in the environment that is probably a misspelt setting. These are warnings,
// because another program may read the variable.
func misspelt(settings []setting) []string {
	var lines []string
	for _, name := range environment() {
		if near := suggest(name, settings); near != "" {
			lines = append(lines, fmt.Sprintf("%s is not a setting; did you mean %s?", name, near))
		}
	}
	return lines
}

// suggest does what [DidYouMean] does, for the given settings.
func suggest(name string, settings []setting) string {
	is := func(name string) bool {
		return slices.ContainsFunc(settings, func(s setting) bool { return s.name() == name })
	}
	if is(name) || ofKubernetes(name) {
		return ""
	}
	plain := strings.NewReplacer("-", "_", ".", "_").Replace(strings.ToUpper(name))
	if is(plain) {
		return plain
	}
	if meant := otherName(plain); is(meant) {
		return meant
	}
	for _, prefix := range []string{"LEADHIT_SYNC_", "LEADHIT_"} {
		if rest, found := strings.CutPrefix(plain, prefix); found && is(rest) {
			return rest
		}
	}
	if near := nearest(plain, settings); near != "" {
		return near
	}
	for _, s := range settings {
		if oneWordApart(plain, s.name()) {
			return s.name()
		}
	}
	return ""
}

// ofKubernetes reports whether a name looks like one of the variables that Kubernetes sets for every Service.
func ofKubernetes(name string) bool { return serviceVariable.MatchString(name) }

var serviceVariable = regexp.MustCompile(`_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT$|_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?$`)

// otherName returns the setting for which other programs use the given name, or "".
func otherName(name string) string {
	switch name {
	case "BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVER", "KAFKA_BOOTSTRAP_BROKERS",
		"KAFKA_SERVERS", "KAFKA_HOSTS", "KAFKA_ADDRESSES", "KAFKA_BROKER_LIST":
		return "KAFKA_BROKERS"
	case "KAFKA_AUTO_OFFSET_RESET":
		return "KAFKA_START"
	case "DLQ_TOPIC", "KAFKA_DLQ_TOPIC":
		return "DEAD_LETTER_TOPIC"
	}
	return ""
}

// nearest returns the setting whose name differs in at most a few letters, or "".
func nearest(name string, settings []setting) string {
	// Two wrong letters are accepted, so that two swapped letters count too. A long name may have three.
	const most, long = 2, 18
	near := slices.MinFunc(settings, func(a, b setting) int {
		return distance(name, a.name()) - distance(name, b.name())
	}).name()
	d := distance(name, near)
	if d <= most && len(near) > 3*d || d == most+1 && len(near) >= long {
		return near
	}
	return ""
}

// oneWordApart reports whether one of two names has one more word than the other, like KAFKA_GROUP_ID and KAFKA_GROUP.
// The first word must be the same and one of ours, because other programs have variables too.
func oneWordApart(name, setting string) bool {
	longer, shorter := strings.Split(name, "_"), strings.Split(setting, "_")
	if len(longer) < len(shorter) {
		longer, shorter = shorter, longer
	}
	ours := []string{"KAFKA", "LEADHIT", "SCHEMA", "DEAD", "CALLS", "WINDOW", "RETRY"}
	if len(longer) != len(shorter)+1 || longer[0] != shorter[0] || !slices.Contains(ours, longer[0]) {
		return false
	}
	for i := range longer {
		if slices.Equal(slices.Delete(slices.Clone(longer), i, i+1), shorter) {
			return true
		}
	}
	return false
}

// distance returns the Levenshtein distance: how many letters to add, remove or change to turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
