package lint

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Program is what the rules know of leadhit-sync.
type Program struct {
	// Settings are those of `leadhit-sync config --table`, in its order.
	Settings []Setting
	// Paths are those that HTTP_ADDR serves.
	Paths []string
	// Drain bounds the end of a generation, Rebalance a join that is under way, IO one exchange with a broker.
	Drain, Rebalance, IO time.Duration
}

// Setting is one setting of the program.
type Setting struct {
	Name string
	// Default is "" where there is none.
	Default  string
	Required bool
}

// ReadProgram reads the Markdown table that the binary prints, and paths and time limits from the source below root.
func ReadProgram(root, table string) (*Program, error) {
	p := &Program{Settings: ParseTable(table)}
	if len(p.Settings) == 0 {
		return nil, errors.New("no settings in the table")
	}
	var err error
	if p.Paths, err = paths(filepath.Join(root, "cmd/worker")); err != nil {
		return nil, err
	}
	for _, limit := range []struct {
		file, name string
		to         *time.Duration
	}{
		{"consumer/consumer.go", "drainLimit", &p.Drain},
		{"consumer/consumer.go", "rebalanceTimeout", &p.Rebalance},
		{"consumer/broker/dial.go", "ioLimit", &p.IO},
	} {
		if *limit.to, err = duration(filepath.Join(root, limit.file), limit.name); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// ParseTable reads the settings out of a text that holds their Markdown table.
func ParseTable(text string) []Setting {
	var settings []Setting
	row := regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)` \\| ([^|]*) \\|")
	for _, found := range row.FindAllStringSubmatch(text, -1) {
		s := Setting{Name: found[1], Required: found[2] == "required"}
		if value, ok := strings.CutPrefix(found[2], "`"); ok {
			s.Default = strings.TrimSuffix(value, "`")
		}
		settings = append(settings, s)
	}
	return settings
}

// setting returns the setting of a name.
func (p *Program) setting(name string) (Setting, bool) {
	i := slices.IndexFunc(p.Settings, func(s Setting) bool { return s.Name == name })
	if i < 0 {
		return Setting{}, false
	}
	return p.Settings[i], true
}

// paths returns what the mux of a package serves by GET.
func paths(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var found []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return nil, err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if ok && literal.Kind == token.STRING {
				if path, ok := strings.CutPrefix(strings.Trim(literal.Value, "\"`"), "GET /"); ok {
					found = append(found, "/"+path)
				}
			}
			return true
		})
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s serves no path", dir)
	}
	return found, nil
}

// duration returns a constant that is a unit of time, or a number of them: time.Second, 15 * time.Second.
func duration(file, name string) (time.Duration, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return 0, err
	}
	value, factor := constant(parsed, name), int64(1)
	if product, ok := value.(*ast.BinaryExpr); ok && product.Op == token.MUL {
		value, factor = product.Y, whole64(product.X)
	}
	unit, ok := value.(*ast.SelectorExpr)
	if !ok || unit.Sel.Name != "Second" || factor == 0 {
		return 0, fmt.Errorf("%s: %s is no constant number of seconds", file, name)
	}
	return time.Duration(factor) * time.Second, nil
}

// constant returns what a constant of that name is set to, or nil.
func constant(file *ast.File, name string) ast.Expr {
	var value ast.Expr
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return value == nil
		}
		i := slices.IndexFunc(spec.Names, func(ident *ast.Ident) bool { return ident.Name == name })
		if i >= 0 && i < len(spec.Values) {
			value = spec.Values[i]
		}
		return false
	})
	return value
}

// whole64 returns a literal's number, 0 for what is none.
func whole64(e ast.Expr) int64 {
	literal, ok := e.(*ast.BasicLit)
	if !ok {
		return 0
	}
	n, _ := strconv.ParseInt(literal.Value, 10, 64) // 0 is no number of seconds either
	return n
}
