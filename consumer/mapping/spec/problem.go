package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Place is where something is written. Line and Column count from 1. Both are 0 if no single place is to blame.
type Place struct {
	// File is the path as it was given, or "preset NAME".
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// Mapping is the name of the mapping, empty outside of mappings.
	Mapping string `json:"mapping,omitempty"`
}

// A Problem is one mistake in a file.
type Problem struct {
	Place

	// Where is the part of the mapping, like rules[0].when. It may be empty.
	Where string `json:"where,omitempty"`
	// Text says what is wrong.
	Text string `json:"text"`
}

// String returns file:line:column: mapping NAME: where: text, omitting the parts that are empty.
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

// FileError lists every mistake in a file, in the order of the file.
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

// Problems collects mistakes. The zero value is empty.
type Problems struct {
	found []Problem
}

// Add records a mistake.
func (p *Problems) Add(at Place, where, format string, args ...any) {
	p.found = append(p.found, Problem{Place: at, Where: where, Text: fmt.Sprintf(format, args...)})
}

// All returns the mistakes in the order of the file, each once.
func (p *Problems) All() []Problem {
	slices.SortStableFunc(p.found, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	p.found = slices.Compact(p.found)
	return p.found
}

// Err returns all mistakes as a [*FileError], or nil if there are none.
func (p *Problems) Err() error {
	if len(p.found) == 0 {
		return nil
	}
	return &FileError{Problems: p.All()}
}
