package mutation

import (
	"errors"
	"fmt"
	"go/ast"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// mutant identifies a mutant: its name for human readers, and its number in the code.
type mutant struct {
	name   string
	number int
}

// unchanged returns the mutant with number 0, which stands for the code without any fault.
func unchanged() mutant { return mutant{} }

// suffix returns the suffix of names that belong to the mutant.
func (m mutant) suffix() string { return "Mutant" + strconv.Itoa(m.number) }

// combination holds the packages, with all mutants in them, keyed by the path of their folder.
type combination map[string]*folder

// folder holds the sources of one package.
type folder struct {
	name     string
	files    map[string]*source // as they are on disk, by path
	variants map[string][]variant
	further  map[string][]string // mutants' constants, by path
}

// variant is a mutant's version of a function.
type variant struct {
	mutant    mutant
	path      string
	in        *source
	decl      *ast.FuncDecl
	constants map[string]bool
}

// add adds a mutant to the combination.
func (c combination) add(m mutant, edits []Edit) error {
	changed := make(map[*folder]map[string]*source)
	for _, e := range edits {
		path, err := filepath.Abs(e[0])
		if err != nil {
			return err
		}
		f, err := c.folder(filepath.Dir(path))
		if err != nil {
			return err
		}
		if changed[f] == nil {
			changed[f] = maps.Clone(f.files)
		}
		before := changed[f][path]
		if before == nil {
			return fmt.Errorf("%s is not a source file", e[0])
		}
		if changed[f][path], err = e.apply(path, before.text); err != nil {
			return err
		}
	}
	for f, files := range changed {
		if err := f.add(m, files); err != nil {
			return err
		}
	}
	return nil
}

// folder returns the sources of a folder.
func (c combination) folder(path string) (*folder, error) {
	if f := c[path]; f != nil {
		return f, nil
	}
	all, err := filepath.Glob(filepath.Join(path, "*.go"))
	if err != nil {
		return nil, err
	}
	f := &folder{"", make(map[string]*source), make(map[string][]variant), make(map[string][]string)}
	for _, name := range all {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if f.files[name], err = parse(name, string(text)); err != nil {
			return nil, err
		}
		f.name = f.files[name].file.Name.Name
	}
	c[path] = f
	return f, nil
}

// add merges a mutant's changes into the folder. It needs all files in the folder, including the unchanged ones.
func (f *folder) add(m mutant, files map[string]*source) error {
	d := difference{make(map[string]bool), make(map[string]bool)}
	for path, s := range files {
		if err := f.files[path].compare(s, d); err != nil {
			return err
		}
	}
	equal := func(_ string, differs bool) bool { return !differs }
	maps.DeleteFunc(d.constants, equal)
	maps.DeleteFunc(d.functions, equal)
	if len(d.constants)+len(d.functions) == 0 {
		return errors.New("the edits change no code")
	}
	for path, s := range files {
		if err := f.constants(m, path, s, d.constants); err != nil {
			return err
		}
		for key, decl := range s.functions {
			if d.functions[key] || names(decl, d.constants) {
				f.variants[key] = append(f.variants[key], variant{m, path, s, decl, d.constants})
			}
		}
	}
	return nil
}

// constants records the constants of one file that a mutant changes. Only functions may depend on them, because other
// declarations cannot be switched.
func (f *folder) constants(m mutant, path string, s *source, constants map[string]bool) error {
	for _, n := range s.rest {
		if names(n, constants) {
			return fmt.Errorf("a type or a variable depends on a changed constant: it cannot be switched: %s", s.of(n))
		}
	}
	for name, spec := range s.constants {
		switch {
		case constants[name]:
			f.further[path] = append(f.further[path], "const "+s.renamed(spec, constants, nil, m.suffix()))
		case names(spec, constants):
			return fmt.Errorf("%s depends on a changed constant: it cannot be switched", name)
		}
	}
	return nil
}
