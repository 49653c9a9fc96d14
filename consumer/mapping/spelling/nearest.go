// Package spelling suggests which name was probably meant by an unknown name in a mapping, or by an unknown preset.
package spelling

import (
	"fmt"
	"slices"
	"strings"
)

// Unknown returns the message about an unknown name. It suggests the known name that was probably meant, or else lists
// all known names.
func Unknown(what, name string, known []string) string {
	known = slices.Sorted(slices.Values(known))
	if near := Nearest(name, known); near != "" {
		return fmt.Sprintf("unknown %s %q (did you mean %q?)", what, name, near)
	}
	return fmt.Sprintf("unknown %s %q: there are %s", what, name, strings.Join(known, ", "))
}

// Nearest returns the element of names that differs least from name. If several differ equally, it returns the first.
// If all differ too much, it returns "".
func Nearest(name string, names []string) string {
	// At most half of the letters may be wrong, and at most three. With more, a suggestion is a guess.
	best, least := "", max(1, min(3, len([]rune(name))/2))+1
	for _, candidate := range names {
		if d := distance([]rune(strings.ToLower(name)), []rune(strings.ToLower(candidate))); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance returns the Damerau-Levenshtein distance, which counts the insertions, deletions, substitutions and swaps of
// neighbours between two words.
func distance(a, b []rune) int {
	// The table has len(a) × len(b) cells, and a file may contain a name of any length.
	if len(a) > 64 || len(b) > 64 {
		return len(a) + len(b)
	}
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now := make([]int, len(b)+1)
		now[0] = i
		for j := 1; j <= len(b); j++ {
			differ := 1
			if a[i-1] == b[j-1] {
				differ = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+differ)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last = last, now
	}
	return last[len(b)]
}
