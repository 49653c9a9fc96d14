package tree

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Path is a singular query, as RFC 9535 defines it, so it leads to at most one value.
type Path []step

type stepKind uint8

const (
	member stepKind = iota
	element
)

type step struct {
	kind  stepKind
	name  string
	index int
}

// Member returns the path of one member in the document.
func Member(name string) Path {
	return Path{{name: name}}
}

// Name returns the name in step i of the path. ok is false if the step is an index.
func (p Path) Name(i int) (name string, ok bool) {
	return p[i].name, p[i].kind == member
}

// maxSteps limits the length of a path, and maxIndex limits an index in it. The limits keep a plan small. Real paths
// stay far below them.
const (
	maxSteps = 64
	maxIndex = 100_000
)

// PathError is a mistake in the text of a path.
type PathError struct {
	// At is where in the text the mistake starts, counted in characters from 0.
	At int
	// Problem says what is wrong.
	Problem string
}

func (e *PathError) Error() string {
	return fmt.Sprintf("character %d: %s", e.At+1, e.Problem)
}

// ParsePath parses a path made of $, .name, ['name'], [n] and [-n]. Its error is a [*PathError].
func ParsePath(text string) (Path, error) {
	p := pathParser{text: text}
	path, err := p.path()
	if err == nil && p.at < len(text) {
		err = p.fault(p.at, "only each may use [*]; a field's path leads to one value, and a mapping cannot add up values")
	}
	return path, err
}

// ParseList parses a path with one [*] at its end, and returns the path of the list. Its error is a [*PathError].
func ParseList(text string) (Path, error) {
	p := pathParser{text: text}
	path, err := p.path()
	switch {
	case err != nil:
		return nil, err
	// path stops at the first wildcard. Nothing follows it here, so it is the only one.
	case text[p.at:] == wildcard:
		return path, nil
	case p.at < len(text):
		return nil, p.fault(p.at+len(wildcard), "nothing may follow [*]: the fields' paths begin at the item")
	}
	return nil, p.fault(p.at, "a list's path ends in [*]")
}

const wildcard = "[*]"

type pathParser struct {
	text string
	at   int
}

func (p *pathParser) fault(at int, problem string) error {
	return &PathError{At: utf8.RuneCountInString(p.text[:min(at, len(p.text))]), Problem: problem}
}

// path reads to the end of the text or to a wildcard.
func (p *pathParser) path() (Path, error) {
	if !utf8.ValidString(p.text) {
		return nil, &PathError{Problem: "the path is not valid UTF-8"}
	}
	if !strings.HasPrefix(p.text, "$") {
		return nil, p.fault(0, "a path begins with $")
	}
	path := Path{}
	for p.at = 1; p.at < len(p.text) && !strings.HasPrefix(p.text[p.at:], wildcard); {
		if len(path) == maxSteps {
			return nil, p.fault(p.at, fmt.Sprintf("a path has at most %d steps", maxSteps))
		}
		s, err := p.step()
		if err != nil {
			return nil, err
		}
		path = append(path, s)
	}
	return path, nil
}

// step reads one step of a path. RFC 9535 also has steps that lead to several values. A field has one value, so such
// steps are refused, each with a message of its own.
func (p *pathParser) step() (step, error) {
	rest := p.text[p.at:]
	switch {
	case strings.HasPrefix(rest, ".."):
		return step{}, p.fault(p.at, "the descent .. leads to many values; write the names on the way")
	case strings.HasPrefix(rest, ".*"):
		return step{}, p.fault(p.at, ".* leads to many values")
	case rest[0] == '.':
		return p.shorthand()
	case strings.HasPrefix(rest, "['"), strings.HasPrefix(rest, `["`):
		return p.quoted()
	case strings.HasPrefix(rest, "[?"):
		return step{}, p.fault(p.at, "paths have no filters; use rules, or each for the items of a list")
	case rest[0] == '[':
		return p.index()
	}
	return step{}, p.fault(p.at, "want .name, ['name'] or [n]")
}

// shorthand reads .name. RFC 9535 allows letters, digits, _ and everything beyond ASCII.
func (p *pathParser) shorthand() (step, error) {
	start := p.at + 1
	end := start
	for end < len(p.text) && shorthandByte(p.text[end], end == start) {
		end++
	}
	if end == start {
		return step{}, p.fault(start, "a name begins with a letter or _; any other needs brackets: ['name']")
	}
	// JSONPath libraries have functions such as .length(), so people try them.
	if end < len(p.text) && p.text[end] == '(' {
		return step{}, p.fault(start, "paths have no functions; read a field that holds the result")
	}
	if end < len(p.text) && p.text[end] != '.' && p.text[end] != '[' {
		return step{}, p.fault(end, "a name with this character needs brackets: ['name']")
	}
	p.at = end
	return step{name: p.text[start:end]}, nil
}

func shorthandByte(c byte, first bool) bool {
	letter := c == '_' || c >= utf8.RuneSelf || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	return letter || !first && '0' <= c && c <= '9'
}

// quoted reads ['name'] or ["name"], with JSON's escapes and \'.
func (p *pathParser) quoted() (step, error) {
	quote := p.text[p.at+1]
	var name strings.Builder
	for i := p.at + 2; i < len(p.text); {
		switch c := p.text[i]; {
		case c == quote:
			if i+1 >= len(p.text) || p.text[i+1] != ']' {
				return step{}, p.fault(i+1, "want ] after the name")
			}
			p.at = i + 2
			return step{name: name.String()}, nil
		case c == '\\':
			size, err := p.escape(&name, i, quote)
			if err != nil {
				return step{}, err
			}
			i += size
		case c < ' ':
			return step{}, p.fault(i, "a control character must be escaped")
		default:
			name.WriteByte(c)
			i++
		}
	}
	return step{}, p.fault(len(p.text), "the name is not closed")
}

// escape appends the character that the escape at i stands for, and returns the length of the escape.
func (p *pathParser) escape(name *strings.Builder, i int, quote byte) (size int, err error) {
	if i+1 < len(p.text) {
		if c := p.text[i+1]; c == quote || c == '/' {
			name.WriteByte(c)
			return len(`\n`), nil
		}
	}
	// UnquoteChar accepts Go's escapes, which include more than JSON's. It refuses a lone surrogate. It would refuse \/
	// and the quote too, but they were handled above.
	r, _, tail, err := strconv.UnquoteChar(p.text[i:], 0)
	size = len(p.text) - i - len(tail)
	if err != nil || !strings.ContainsRune(`bfnrt\u`, rune(p.text[i+1])) {
		return 0, p.fault(i, `unknown escape; there are \\ \/ \b \f \n \r \t \uXXXX and the quote`)
	}
	name.WriteRune(r)
	return size, nil
}

// index reads [n]. It refuses what Atoi accepts but RFC 9535 forbids: leading zeros, a plus sign, minus zero.
func (p *pathParser) index() (step, error) {
	length := strings.IndexByte(p.text[p.at:], ']')
	if length < 0 {
		return step{}, p.fault(len(p.text), "the bracket is not closed")
	}
	digits := p.text[p.at+1 : p.at+length]
	n, err := strconv.Atoi(digits)
	switch {
	case errors.Is(err, strconv.ErrRange) || n > maxIndex || n < -maxIndex:
		return step{}, p.fault(p.at+1, fmt.Sprintf("an index is at most %d", maxIndex))
	case err != nil || strconv.Itoa(n) != digits:
		return step{}, p.fault(p.at+1, "want one index, like [0] or [-1], or a quoted name, like ['name']")
	}
	p.at += length + 1
	return step{kind: element, index: n}, nil
}
