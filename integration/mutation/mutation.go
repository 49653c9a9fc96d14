// Package mutation checks tests. It plants faults (mutants) in the code, and checks that a test notices each of them.
//
// One test binary contains all mutants, and an environment variable switches one on. A build takes seconds and most
// mutants die at once, so a binary for each would take minutes. A mutant's version of a function is kept beside the
// original under another name, and a function in the original's place calls the version that is switched on. A changed
// constant is kept in the same way, with the functions that use it. Build rejects an edit to anything else, such as a
// type or a signature.
package mutation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// variable is the environment variable with the number of the mutant to switch on.
const variable = "MUTANT_ON"

// ErrSurvived indicates that a test did not notice a mutant.
var ErrSurvived = errors.New("survived")

// Edit holds the path of a source file, the text to replace, which occurs exactly once in the file, and the new text.
type Edit [3]string

// Binary is a package's compiled tests and the code under test, with all mutants in it.
type Binary struct {
	path, dir string
	mutants   map[string]mutant
}

// Build builds the tests of the package in dir, without the omitted test files. The sources that the mutants change may
// belong to other packages too. Their paths, like dir, are relative to the calling test's folder.
func Build(t *testing.T, dir string, mutants map[string][]Edit, omitted ...string) (*Binary, error) {
	t.Helper()
	place := t.TempDir()
	b := &Binary{filepath.Join(place, "mutants.test"), dir, make(map[string]mutant)}
	all := combination{}
	for i, name := range slices.Sorted(maps.Keys(mutants)) { // in a fixed order, for go build's cache
		b.mutants[name] = mutant{name, i + 1}
		if err := all.add(b.mutants[name], mutants[name]); err != nil {
			return nil, fmt.Errorf("mutant %s: %w", name, err)
		}
	}
	replace, err := all.write(place)
	if err != nil {
		return nil, err
	}
	for _, name := range omitted {
		path, err := filepath.Abs(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		replace[path] = ""
	}
	overlay := filepath.Join(place, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err := errors.Join(err, os.WriteFile(overlay, text, 0o600)); err != nil {
		return nil, err
	}
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-ldflags=-s -w",
		"-overlay", overlay, "-o", b.path)
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build with all mutants: %w\n%s", err, out)
	}
	return b, nil
}

// Each calls hunt in a parallel subtest for each mutant whose name contains the value of the MUTANT environment
// variable, which may be unset.
func (b *Binary) Each(t *testing.T, hunt func(t *testing.T, mutant string)) {
	t.Helper()
	for name := range b.mutants {
		if strings.Contains(name, os.Getenv("MUTANT")) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				hunt(t, name)
			})
		}
	}
}

// Hunt runs a test with one mutant switched on, and returns what the failing test printed. If the test passes, the
// error is ErrSurvived. A test that does not finish or does not run proves nothing, so Hunt returns a different error
// for it.
func (b *Binary) Hunt(ctx context.Context, mutant, test string, env ...string) (output string, err error) {
	m, ok := b.mutants[mutant]
	if !ok {
		return "", fmt.Errorf("no mutant has the name %q", mutant)
	}
	out, err := b.run(ctx, m, test, env)
	switch exit := new(exec.ExitError); {
	case err == nil:
		return "", fmt.Errorf("%s: %w", test, ErrSurvived)
	case ctx.Err() != nil, !errors.As(err, &exit), !strings.Contains(out, "--- FAIL: "+test):
		return "", fmt.Errorf("run %s: %w\n%s", test, errors.Join(err, context.Cause(ctx)), out)
	}
	return out, nil
}

// Unchanged runs tests of the same binary with no mutant switched on. They must pass, because otherwise a failure in
// Hunt does not prove that the mutant caused it.
func (b *Binary) Unchanged(ctx context.Context, tests []string, env ...string) error {
	out, err := b.run(ctx, unchanged(), strings.Join(tests, "|"), env)
	if err != nil {
		return fmt.Errorf("with no mutant switched on: %w\n%s", err, out)
	}
	for _, test := range tests {
		if !strings.Contains(out, "--- PASS: "+test+" ") {
			return fmt.Errorf("with no mutant switched on, %s did not run", test)
		}
	}
	return nil
}

func (b *Binary) run(ctx context.Context, m mutant, tests string, env []string) (string, error) {
	run := exec.CommandContext(ctx, b.path, "-test.v", "-test.failfast", "-test.run", "^("+tests+")$")
	run.Dir = b.dir
	// Garbage collection would waste time in such short-lived processes.
	run.Env = append(append(os.Environ(), "GOGC=400", variable+"="+strconv.Itoa(m.number)), env...)
	out, err := run.CombinedOutput()
	return string(out), err
}

// apply applies the edit to a file's text, and parses the result.
func (e Edit) apply(path, text string) (*source, error) {
	file, before, after := e[0], e[1], e[2]
	if n := strings.Count(text, before); n != 1 {
		return nil, fmt.Errorf("the text to change occurs %d times in %s, want once: %q", n, file, before)
	}
	return parse(path, strings.Replace(text, before, after, 1))
}
