package config

import (
	"slices"
	"strings"
)

// Problem is one mistake in the settings. It never holds a secret, nor the value of a variable that may hold one.
type Problem struct {
	// Variable is the environment variable to change.
	Variable string
	// What is wrong, in words; where two settings cannot work together, the sum that fails.
	What string
	// Example is a value that would do.
	Example string
}

// String returns the problem as one line: variable, what is wrong, example.
func (p Problem) String() string {
	return p.Variable + ": " + p.What + "; for example " + p.Variable + "=" + p.Example
}

// Error is every mistake that Load found, at least one, in the order of the settings table.
type Error struct {
	Problems []Problem
}

// Error returns one line per problem, without a heading.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// problems gathers mistakes while the settings are read and checked.
type problems struct {
	settings []setting
	found    []Problem
}

// add notes a mistake, with the example of the settings table.
func (p *problems) add(variable, what string) {
	i := p.position(variable)
	p.addWith(variable, what, p.settings[i].example())
}

// addWith notes a mistake whose right value depends on other settings.
func (p *problems) addWith(variable, what, example string) {
	p.found = append(p.found, Problem{Variable: variable, What: what, Example: example})
}

// good says that none of the variables has a problem yet. A check across settings asks first: a value that could not
// be read makes no sum.
func (p *problems) good(variables ...string) bool {
	return !slices.ContainsFunc(p.found, func(f Problem) bool { return slices.Contains(variables, f.Variable) })
}

// err returns all mistakes in the order of the table, or nil.
func (p *problems) err() error {
	if len(p.found) == 0 {
		return nil
	}
	slices.SortStableFunc(p.found, func(a, b Problem) int { return p.position(a.Variable) - p.position(b.Variable) })
	return &Error{Problems: p.found}
}

func (p *problems) position(variable string) int {
	return slices.IndexFunc(p.settings, func(s setting) bool { return s.name() == variable })
}
