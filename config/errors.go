package config

import (
	"cmp"
	"os"
	"slices"
	"strings"
)

// Problem is one mistake in the settings. It never contains a secret, nor the value of a variable that may contain one.
type Problem struct {
	// Variable is the environment variable with the mistake.
	Variable string
	// What says what is wrong. If two settings cannot work together, it shows the calculation.
	What string
	// Example is a value that would work, or "" if none would help.
	Example string
	// Change is the variable to set to the example, if it is not Variable.
	Change string
}

// line returns the problem as one line: variable, what is wrong, example.
func (p Problem) line() string {
	text := p.Variable + ": " + p.What
	if p.Example == "" {
		return text
	}
	return text + "; for example " + p.change() + "=" + p.Example
}

// change returns the variable to set to the example.
func (p Problem) change() string { return cmp.Or(p.Change, p.Variable) }

// Error lists all mistakes in the settings, at least one, in the order of the settings table.
type Error struct {
	Problems []Problem
}

// Error returns the problems, one per line, without a heading.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.line()
	}
	return strings.Join(lines, "\n")
}

// Has reports whether one of the variables has a mistake. A nil Error has none.
func (e *Error) Has(variables ...string) bool {
	return e != nil && slices.ContainsFunc(e.Problems, func(p Problem) bool {
		return slices.Contains(variables, p.Variable)
	})
}

// Add returns the error with further problems, in the order of the settings table, or nil if there are none at all. The
// receiver may be nil and is not changed.
func (e *Error) Add(further ...Problem) *Error {
	var all []Problem
	if e != nil {
		all = slices.Clone(e.Problems)
	}
	p := &problems{settings: settingsOf(new(Config)), found: append(all, further...)}
	return p.listed()
}

// problems gathers mistakes while the settings are read and checked.
type problems struct {
	settings []setting
	found    []Problem
	open     func(path string) error
}

// add records a mistake, with the example from the setting's tags.
func (p *problems) add(variable, what string) {
	i := p.position(variable)
	p.addWith(variable, what, p.settings[i].example())
}

// addWith records a mistake, with an example that depends on other settings.
func (p *problems) addWith(variable, what, example string) {
	p.found = append(p.found, Problem{Variable: variable, What: what, Example: example})
}

// addOther records a mistake that is fixed by changing another variable.
func (p *problems) addOther(variable, what, change, example string) {
	p.found = append(p.found, Problem{Variable: variable, What: what, Change: change, Example: example})
}

// good reports whether none of the variables has a problem yet. A check of several settings calls good first, because
// the check cannot use a value that could not be read.
func (p *problems) good(variables ...string) bool {
	return !slices.ContainsFunc(p.found, func(f Problem) bool { return slices.Contains(variables, f.Variable) })
}

// listed returns all mistakes in the order of the table, or nil. An example that is already in force is left out,
// because it does not help.
func (p *problems) listed() *Error {
	if len(p.found) == 0 {
		return nil
	}
	for i, f := range p.found {
		if os.Getenv(f.change()) == f.Example {
			p.found[i].Example = ""
		}
	}
	slices.SortStableFunc(p.found, func(a, b Problem) int { return p.position(a.Variable) - p.position(b.Variable) })
	return &Error{Problems: p.found}
}

func (p *problems) position(variable string) int {
	return slices.IndexFunc(p.settings, func(s setting) bool { return s.name() == variable })
}
