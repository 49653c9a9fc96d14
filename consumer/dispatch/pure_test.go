package dispatch_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The core must stay pure, so that a simulator can replay it.
func TestTheCoreHasNoGoroutineClockContextLockOrSharedVariable(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{".", "../../retry", "../../deadletter/ledger", "../../deadletter/ledger/guard", "../../deadletter/ledger/fold", "turn", "snapshot"} {
		files := token.NewFileSet()
		for _, name := range sources(t, dir) {
			file, err := parser.ParseFile(files, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if what := impure(n); what != "" {
					t.Errorf("%v: %s", files.Position(n.Pos()), what)
				}
				return true
			})
		}
	}
}

// sources returns a folder's Go files, except the tests.
func sources(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	if len(names) == 0 {
		t.Fatalf("%s has no sources", dir)
	}
	return names
}

// impure names what a node contains that the core must not contain. It returns "" if there is nothing.
func impure(n ast.Node) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "a goroutine"
	case *ast.File:
		return shared(n)
	case *ast.SendStmt, *ast.SelectStmt, *ast.ChanType:
		return "a channel"
	case *ast.ImportSpec:
		path, err := strconv.Unquote(n.Path.Value)
		denied := []string{"context", "sync", "sync/atomic", "os", "net", "net/http", "log", "log/slog", "math/rand"}
		if err != nil || slices.Contains(denied, path) {
			return "imports " + n.Path.Value
		}
	case *ast.SelectorExpr:
		x, ok := n.X.(*ast.Ident)
		clock := []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}
		if ok && x.Name == "time" && slices.Contains(clock, n.Sel.Name) {
			return "time." + n.Sel.Name
		}
	}
	return ""
}

// shared names a package variable that is not an error. It returns "" if there is none.
func shared(file *ast.File) string {
	for _, d := range file.Decls {
		d, ok := d.(*ast.GenDecl)
		if !ok || d.Tok != token.VAR {
			continue
		}
		for _, s := range d.Specs {
			s, _ := s.(*ast.ValueSpec)
			for i, name := range s.Names {
				if i >= len(s.Values) || !isNewError(s.Values[i]) {
					return "the shared variable " + name.Name
				}
			}
		}
	}
	return ""
}

func isNewError(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	return ok && f.Sel.Name == "New" && fmt.Sprint(f.X) == "errors"
}
