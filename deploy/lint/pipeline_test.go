package lint_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"leadhit-sync/deploy/lint"
)

// pipeline returns the README's commands that check an overlay's settings in CI: the rendering, and the check.
func pipeline(t *testing.T) (rendering, check string) {
	t.Helper()
	found := regexp.MustCompile("(?s)```\n(kubectl kustomize [^`]*> FILE)\n([^`\n]*config --check[^`\n]*)\n```").FindStringSubmatch(read(t, "../README.md"))
	if found == nil {
		t.Fatal("got no pipeline with config --check in the README")
	}
	return found[1], found[2]
}

// settingsOf writes the file that the pipeline renders: the settings of an overlay's ConfigMap, one per line.
func settingsOf(t *testing.T, o *lint.Overlay) (file string) {
	t.Helper()
	var text strings.Builder
	for name, value := range o.Environment() {
		if name != "GOMEMLIMIT" {
			text.WriteString(name + "=" + value + "\n")
		}
	}
	file = filepath.Join(t.TempDir(), "settings.env")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// bash runs a script with the program on its PATH.
func bash(t *testing.T, script string) (text string, err error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	command.Env = []string{"PATH=" + filepath.Dir(program(t)) + ":" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	command.Dir = root
	all, err := command.CombinedOutput()
	return string(all), err
}

func TestThePipelineOfTheReadmeAcceptsEveryOverlayWithoutItsFiles(t *testing.T) {
	t.Parallel()
	_, check := pipeline(t)
	for name, o := range overlays(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := bash(t, strings.ReplaceAll(check, "FILE", settingsOf(t, o)))
			if err != nil || !strings.Contains(text, "complete and consistent") || !strings.Contains(text, "files were not read: ") {
				t.Errorf("got %v and\n%s\nwant exit code 0", err, text)
			}
		})
	}
}

func TestThePipelineOfTheReadmeRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	_, check := pipeline(t)
	for name, c := range map[string]struct{ line, want string }{
		"a window beyond the memory": {"WINDOW_BYTES=84MiB", "WINDOW_BYTES: "},
		"an unknown preset":          {"MAPPING=shoppify", "MAPPING: "},
		"an unknown setting":         {"KAFKA_BROKER=x:1", "did you mean KAFKA_BROKERS?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := settingsOf(t, overlays(t)[minimal])
			setting, _, _ := strings.Cut(c.line, "=")
			text := regexp.MustCompile("(?m)^"+setting+"=.*\n").ReplaceAllString(read(t, file), "") + c.line + "\n"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if said, err := bash(t, strings.ReplaceAll(check, "FILE", file)); err == nil || !strings.Contains(said, c.want) {
				t.Errorf("got %v and\n%s\nwant it refused with %q", err, said, c.want)
			}
		})
	}
}

// TestThePipelineOfTheReadmeAsItIsWritten needs kubectl and yq. Without them, and outside of CI, the tests above stand
// in for it.
func TestThePipelineOfTheReadmeAsItIsWritten(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"kubectl", "yq"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is required in CI: %v", tool, err)
			}
			t.Skipf("SKIPPED: %v; the rendering was not run, only the check after it", err)
		}
	}
	rendering, check := pipeline(t)
	for name := range overlays(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script := strings.ReplaceAll(rendering, "deploy/overlays/mine", "deploy/overlays/"+name) + "\n" + check
			text, err := bash(t, strings.ReplaceAll(script, "FILE", filepath.Join(t.TempDir(), "settings.env")))
			if err != nil || !strings.Contains(text, "complete and consistent") {
				t.Errorf("got %v and\n%s\nwant exit code 0", err, text)
			}
		})
	}
}
