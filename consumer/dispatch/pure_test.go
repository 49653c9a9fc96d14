package dispatch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The core must stay what a simulator can replay.
func TestTheCoreHasNoGoroutineClockContextOrLock(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{".", "../../retry", "../../deadletter/ledger"} {
		files := token.NewFileSet()
		packages, err := parser.ParseDir(files, dir, func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, 0) //nolint:staticcheck // one package, no build tags
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packages {
			ast.Inspect(p, func(n ast.Node) bool {
				if what := impure(n); what != "" {
					t.Errorf("%v: %s", files.Position(n.Pos()), what)
				}
				return true
			})
		}
	}
}

// impure names what a node has no place in the core for.
func impure(n ast.Node) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "a goroutine"
	case *ast.SendStmt, *ast.SelectStmt, *ast.ChanType:
		return "a channel"
	case *ast.ImportSpec:
		path, err := strconv.Unquote(n.Path.Value)
		if err != nil || slices.Contains([]string{"context", "sync", "sync/atomic", "os", "net", "net/http", "log", "log/slog", "math/rand"}, path) {
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
