package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// misspelt returns a line for each variable of the environment that is not ours, but nearly. It only warns: Kubernetes
// makes variables such as KAFKA_PORT_9092_TCP of its own for every service.
func misspelt(settings []setting) []string {
	// A letter wrong, missing or too many, or two changed about.
	const most = 2
	var lines []string
	for _, pair := range os.Environ() {
		variable, _, _ := strings.Cut(pair, "=")
		if slices.ContainsFunc(settings, func(s setting) bool { return s.name() == variable }) {
			continue
		}
		nearest := slices.MinFunc(settings, func(a, b setting) int {
			return distance(variable, a.name()) - distance(variable, b.name())
		}).name()
		if d := distance(variable, nearest); d <= most && len(nearest) > 3*d {
			lines = append(lines, fmt.Sprintf("%s is not a setting; did you mean %s?", variable, nearest))
		}
	}
	slices.Sort(lines)
	return lines
}

// distance is the number of letters to add, remove or change to make b of a (Levenshtein).
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
