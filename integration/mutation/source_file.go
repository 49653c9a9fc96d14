package mutation

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// source is a parsed file.
type source struct {
	text      string
	set       *token.FileSet
	file      *ast.File
	functions map[string]*ast.FuncDecl  // by receiver and name
	constants map[string]*ast.ValueSpec // those that do not depend on their neighbours
	rest      []ast.Node                // types, variables, and constants that depend on their neighbours
}

func parse(name, text string) (*source, error) {
	s := &source{
		text: text, set: token.NewFileSet(),
		functions: make(map[string]*ast.FuncDecl), constants: make(map[string]*ast.ValueSpec),
	}
	file, err := parser.ParseFile(s.set, name, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	s.file = file
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			s.functions[s.key(d)] = d
		case *ast.GenDecl:
			s.take(d)
		}
	}
	return s, nil
}

// take records a declaration of constants, variables or types.
func (s *source) take(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		v, ok := spec.(*ast.ValueSpec)
		switch {
		case d.Tok == token.IMPORT:
		case !ok || d.Tok != token.CONST || len(v.Names) != 1 || len(v.Values) != 1,
			names(v, map[string]bool{"iota": true}):
			s.rest = append(s.rest, spec)
		default:
			s.constants[v.Names[0].Name] = v
		}
	}
}

func (s *source) at(p token.Pos) int { return s.set.Position(p).Offset }

func (s *source) of(n ast.Node) string { return s.text[s.at(n.Pos()):s.at(n.End())] }

// key returns a name for the function that is unique in its package.
func (s *source) key(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	return s.of(d.Recv.List[0].Type) + "." + d.Name.Name
}

// signature returns what two functions must have in common if one is called instead of the other.
func (s *source) signature(d *ast.FuncDecl) string { return s.text[s.at(d.Pos()):s.at(d.Body.Pos())] }

// names reports whether any of the given identifiers occurs in a node.
func names(n ast.Node, words map[string]bool) bool {
	found := false
	if len(words) == 0 {
		return false
	}
	ast.Inspect(n, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && words[id.Name]
		return !found
	})
	return found
}

// renamed returns a node's text with the suffix added to the given identifiers, and to one more identifier.
func (s *source) renamed(n ast.Node, words map[string]bool, further *ast.Ident, suffix string) string {
	var text strings.Builder
	from := s.at(n.Pos())
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && (words[id.Name] || id == further) {
			to := s.at(id.End())
			text.WriteString(s.text[from:to] + suffix)
			from = to
		}
		return true
	})
	text.WriteString(s.text[from:s.at(n.End())])
	return text.String()
}

// difference holds the functions and constants of a package that a mutant changes.
type difference struct{ functions, constants map[string]bool }

// compare records in d what differs in a changed copy of the file.
func (s *source) compare(other *source, d difference) error {
	same := func(a, b ast.Node) bool { return s.of(a) == other.of(b) }
	if !slices.EqualFunc(s.rest, other.rest, same) || len(s.constants) != len(other.constants) {
		return errors.New("only functions and single constants can be switched, not types, variables or lists")
	}
	for name, spec := range other.constants {
		was := s.constants[name]
		if was == nil {
			return fmt.Errorf("the new constant %s cannot be switched", name)
		}
		d.constants[name] = d.constants[name] || !same(was, spec)
	}
	for key, now := range other.functions {
		was := s.functions[key]
		if was != nil && s.signature(was) != other.signature(now) {
			return fmt.Errorf("%s has another signature: it cannot be switched", key)
		}
		d.functions[key] = was == nil || !same(was, now)
	}
	for key := range s.functions {
		if other.functions[key] == nil {
			return fmt.Errorf("%s was removed: it cannot be switched", key)
		}
	}
	return nil
}
