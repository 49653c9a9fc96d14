package lint_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"leadhit-sync/deploy/lint"
)

// root is the folder of the product's module.
const root = "../.."

// binary is leadhit-sync, built once for all tests.
type binary struct {
	once sync.Once
	dir  string
	err  error
}

// built is the binary for this test run.
var built binary

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir) // leftovers in the temporary folder do no harm
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

// output runs a command of leadhit-sync with only the given environment, and returns what the command prints.
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

// table returns what `leadhit-sync config --table` prints.
func table(t *testing.T) string {
	t.Helper()
	text, err := output(t, nil, "config", "--table")
	if err != nil {
		t.Fatalf("config --table: %v\n%s", err, text)
	}
	return text
}

// known returns what the rules know about leadhit-sync.
func known(t *testing.T) *lint.Program {
	t.Helper()
	p, err := lint.ReadProgram(root, table(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// renderings returns the rendering of every overlay that no other kustomization includes, by folder.
func renderings(t *testing.T) map[string]string {
	t.Helper()
	dirs, err := lint.Kustomizations("../overlays")
	if err != nil {
		t.Fatal(err)
	}
	parts, err := lint.Parts("../overlays")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, dir := range dirs {
		if slices.Contains(parts, dir) {
			continue
		}
		if all[strings.TrimPrefix(dir, "../overlays/")], err = lint.Render(dir); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func decoded(t *testing.T, rendering string) *lint.Overlay {
	t.Helper()
	o, err := lint.Read(rendering)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// overlays returns the decoded renderings.
func overlays(t *testing.T) map[string]*lint.Overlay {
	t.Helper()
	all := map[string]*lint.Overlay{}
	for name, rendering := range renderings(t) {
		all[name] = decoded(t, rendering)
	}
	return all
}

func TestEveryOverlayPassesEveryRule(t *testing.T) {
	t.Parallel()
	p := known(t)
	for name, o := range overlays(t) {
		for _, finding := range o.Judge(p) {
			t.Errorf("%s: %s", name, finding)
		}
	}
}

// The golden files show how a change to the base or to a component affects each overlay. UPDATE=1 writes them.
func TestOurOverlaysRenderAsTheyDidBefore(t *testing.T) {
	t.Parallel()
	all := renderings(t)
	for _, name := range []string{minimal, kafkaScale, cpuScale, withDesk, production} {
		file := filepath.Join("testdata", strings.ReplaceAll(name, "/", "-")+".yaml")
		got := withoutDashboard(all[name])
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if want := read(t, file); got != want {
			t.Errorf("%s renders differently from %s; if that is intended, UPDATE=1 go test ./... writes the file:\n%s",
				name, file, firstDifference(got, want))
		}
	}
}

// withoutDashboard leaves out the ConfigMap that wraps dashboard.json, because its more than 2,000 lines would be in
// the repository twice.
func withoutDashboard(rendering string) string {
	documents := strings.Split(rendering, "\n---\n")
	return strings.Join(slices.DeleteFunc(documents, func(d string) bool { return strings.Contains(d, "  dashboard.json: ") }), "\n---\n")
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d: got %q, want %q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
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
