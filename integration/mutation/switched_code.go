package mutation

import (
	"fmt"
	"go/ast"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// switchFile is a source file that is added to each package. It reads the number of the mutant that is switched on.
const switchFile = `package %s

import (
	"os"
	"strconv"
)

var mutantOn, _ = strconv.Atoi(os.Getenv(%q))
`

// write writes the sources with all mutants to the given folder. It returns the names of the files, keyed by the path
// of the source that each file replaces.
func (c combination) write(place string) (replace map[string]string, err error) {
	replace = make(map[string]string)
	for dir, f := range c {
		texts := f.rendered()
		texts[filepath.Join(dir, "mutant_switch.go")] = fmt.Sprintf(switchFile, f.name, variable)
		for path, text := range texts {
			replace[path] = filepath.Join(place, fmt.Sprintf("%d.go", len(replace)))
			if err := os.WriteFile(replace[path], []byte(text), 0o600); err != nil {
				return nil, err
			}
		}
	}
	return replace, nil
}

// rendered returns the text of each file that has mutants, by path.
func (f *folder) rendered() map[string]string {
	added := maps.Clone(f.further)
	replaced := make(map[string][]*ast.Ident) // by path: the names of the functions that a door replaces
	for _, key := range slices.Sorted(maps.Keys(f.variants)) {
		all := f.variants[key]
		first := all[0]
		mutants := make([]mutant, len(all))
		for i, v := range all {
			mutants[i] = v.mutant
			added[v.path] = append(added[v.path], v.text())
		}
		if d := f.files[first.path].functions[key]; d != nil {
			replaced[first.path] = append(replaced[first.path], d.Name)
			mutants = append(mutants, unchanged())
		}
		added[first.path] = append(added[first.path], first.in.door(first.decl, mutants))
	}
	texts := make(map[string]string)
	for path, declarations := range added {
		s := f.files[path]
		texts[path] = s.text[:s.at(s.file.Name.End())] + "\n\n" + f.imports(path) + s.marked(replaced[path]) + "\n" +
			strings.Join(declarations, "\n\n") + "\n"
	}
	return texts
}

// text returns the declaration of the variant. The compiler's messages about it name the mutant.
func (v variant) text() string {
	at := v.in.set.Position(v.decl.Pos())
	return fmt.Sprintf("//line %s of %s:%d\n", v.mutant.name, filepath.Base(at.Filename), at.Line) +
		v.in.renamed(v.decl, v.constants, v.decl.Name, v.mutant.suffix())
}

// marked returns the text after the package's name, with the suffix for unchanged code added to the given identifiers.
func (s *source) marked(all []*ast.Ident) string {
	slices.SortFunc(all, func(a, b *ast.Ident) int { return int(a.Pos() - b.Pos()) })
	var text strings.Builder
	from := s.at(s.file.Name.End())
	for _, name := range all {
		to := s.at(name.End())
		text.WriteString(s.text[from:to] + unchanged().suffix())
		from = to
	}
	text.WriteString(s.text[from:])
	return text.String()
}

// imports returns the imports that only the mutants of a file need.
func (f *folder) imports(path string) string {
	further := make(map[string]bool)
	for _, v := range slices.Concat(slices.Collect(maps.Values(f.variants))...) {
		if v.path == path {
			v.in.imports(further)
		}
	}
	known := make(map[string]bool)
	f.files[path].imports(known)
	var text strings.Builder
	for _, spec := range slices.Sorted(maps.Keys(further)) {
		if !known[spec] {
			text.WriteString("import " + spec + "\n")
		}
	}
	return text.String()
}

func (s *source) imports(all map[string]bool) {
	for _, i := range s.file.Imports {
		all[s.of(i)] = true
	}
}

// door returns a function with the signature of d. It calls the mutant that is switched on, or else the unchanged code.
func (s *source) door(d *ast.FuncDecl, mutants []mutant) string {
	receiver, callee := "", d.Name.Name
	if d.Recv != nil {
		receiver, callee = "(mutantOf "+s.of(d.Recv.List[0].Type)+") ", "mutantOf."+callee
	}
	parameters, arguments := s.parameters(d.Type.Params.List)
	results, give := "", ""
	if d.Type.Results != nil {
		results, give = s.text[s.at(d.Type.Params.End()):s.at(d.Body.Pos())], "return "
	}
	missing := "\tdefault:\n\t\tpanic(\"only a mutant has this function\")\n"
	var cases strings.Builder
	for _, m := range mutants {
		label := fmt.Sprintf("case %d", m.number)
		if m == unchanged() {
			label, missing = "default", ""
		}
		fmt.Fprintf(&cases, "\t%s:\n\t\t%s%s%s(%s)\n", label, give, callee, m.suffix(), arguments)
	}
	return fmt.Sprintf("func %s%s(%s) %s {\n\tswitch mutantOn {\n%s%s\t}\n}",
		receiver, d.Name.Name, parameters, results, cases.String(), missing)
}

// parameters returns a list of parameters with new names, and the arguments that pass them on.
func (s *source) parameters(list []*ast.Field) (parameters, arguments string) {
	var all, names []string
	for _, field := range list {
		for range max(1, len(field.Names)) {
			name := fmt.Sprintf("mutantArgument%d", len(names))
			all = append(all, name+" "+s.of(field.Type))
			if _, variadic := field.Type.(*ast.Ellipsis); variadic {
				name += "..."
			}
			names = append(names, name)
		}
	}
	return strings.Join(all, ", "), strings.Join(names, ", ")
}
