package lint_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"leadhit-sync/deploy/lint"
)

// root is the product's module.
const root = "../.."

// binary is leadhit-sync, built once for all tests.
type binary struct {
	once sync.Once
	dir  string
	err  error
}

// built is the one of this test run.
var built binary //nolint:gochecknoglobals // a build takes longer than all tests; TestMain takes it away

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir) // the temporary folder's cleaner takes what is left
	}
	os.Exit(code)
}

// program returns the path of the built binary.
func program(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "leadhit-sync-lint-"); built.err != nil { //nolint:usetesting // it outlives the test that builds
			return
		}
		build := exec.CommandContext(context.Background(), "go", "build", "-o", built.dir, "./cmd/leadhit-sync") //nolint:usetesting // other tests wait for it
		build.Dir = root
		build.Stderr = os.Stderr
		built.err = build.Run()
	})
	if built.err != nil {
		t.Fatalf("leadhit-sync cannot be built: %v", built.err)
	}
	return filepath.Join(built.dir, "leadhit-sync")
}

// output runs a command of leadhit-sync in an environment of its own and returns what it prints.
func output(t *testing.T, environment map[string]string, args ...string) (text string, err error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), program(t), args...)
	command.Env = []string{}
	for name, value := range environment {
		command.Env = append(command.Env, name+"="+value)
	}
	all, err := command.CombinedOutput()
	return string(all), err
}

// table is what `leadhit-sync config --table` prints.
func table(t *testing.T) string {
	t.Helper()
	text, err := output(t, nil, "config", "--table")
	if err != nil {
		t.Fatalf("config --table: %v\n%s", err, text)
	}
	return text
}

// known is what the rules know of leadhit-sync.
func known(t *testing.T) *lint.Program {
	t.Helper()
	p, err := lint.ReadProgram(root, table(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// overlays renders every overlay that is there to be applied, by its folder.
func overlays(t *testing.T) map[string]*lint.Overlay {
	t.Helper()
	dirs, err := lint.Roots("../overlays")
	if err != nil {
		t.Fatal(err)
	}
	rendered := map[string]*lint.Overlay{}
	for _, dir := range dirs {
		o, err := lint.Render(dir)
		if err != nil {
			t.Fatal(err)
		}
		rendered[strings.TrimPrefix(dir, "../overlays/")] = o
	}
	if len(rendered) == 0 {
		t.Fatal("got no overlay at all")
	}
	return rendered
}

func TestEveryOverlayPassesEveryRule(t *testing.T) {
	t.Parallel()
	p := known(t)
	for name, o := range overlays(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, finding := range o.Judge(p) {
				t.Error(finding)
			}
		})
	}
}

func TestEveryComponentIsPartOfAnOverlay(t *testing.T) {
	t.Parallel()
	components, err := lint.Kustomizations("../components")
	if err != nil {
		t.Fatal(err)
	}
	used, err := lint.Parts("../overlays")
	if err != nil {
		t.Fatal(err)
	}
	if len(components) == 0 {
		t.Error("got no component at all")
	}
	for _, c := range components {
		if !slices.Contains(used, c) {
			t.Errorf("%s is part of no overlay, so nothing checks it", c)
		}
	}
}
