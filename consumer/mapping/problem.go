package mapping

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Problem is one mistake in a mapping file.
type Problem struct {
	// File is the path as it was given, or "preset NAME". Line and Column count from 1; both are 0 where no place is to
	// blame.
	File         string
	Line, Column int
	// Mapping is the name of the mapping, Where the place within it, like rules[0].when. Either may be empty.
	Mapping, Where string
	// Text says what is wrong.
	Text string
}

// String returns file:line:column: mapping NAME: where: text, without what is not known.
func (p Problem) String() string {
	var s strings.Builder
	s.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&s, ":%d:%d", p.Line, p.Column)
	}
	if p.Mapping != "" {
		s.WriteString(": mapping " + p.Mapping)
	}
	if p.Where != "" {
		s.WriteString(": " + p.Where)
	}
	return s.String() + ": " + p.Text
}

// FileError is every mistake of a mapping file, in the order of the file.
type FileError struct {
	Problems []Problem
}

// Error returns one line for each problem.
func (e *FileError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// problems gathers mistakes.
type problems struct {
	found []Problem
}

func (p *problems) add(at place, where, format string, args ...any) {
	p.found = append(p.found, Problem{
		File: at.file, Line: at.line, Column: at.column, Mapping: at.mapping, Where: where, Text: fmt.Sprintf(format, args...),
	})
}

// err returns what was gathered as an error, each mistake once, or nil.
func (p *problems) err() error {
	if len(p.found) == 0 {
		return nil
	}
	slices.SortStableFunc(p.found, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &FileError{Problems: slices.Compact(p.found)}
}

// place is where something stands.
type place struct {
	file, mapping string
	line, column  int
}

// unknown says that a name is none of those that there are, and which was probably meant.
func unknown[V any](what, name string, known map[string]V) string {
	if near := nearest(name, slices.Sorted(maps.Keys(known))); near != "" {
		return fmt.Sprintf("unknown %s %q (did you mean %q?)", what, name, near)
	}
	return fmt.Sprintf("unknown %s %q: there are %s", what, name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
}

// nearest returns the name that is a few slips away, or "". Names come in order, so the answer is always the same.
func nearest(name string, names []string) string {
	best, least := "", max(1, min(3, len([]rune(name))/2))+1
	for _, candidate := range names {
		if d := distance([]rune(strings.ToLower(name)), []rune(strings.ToLower(candidate))); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance counts the insertions, deletions, substitutions and swaps of neighbours between two words.
func distance(a, b []rune) int {
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
