package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// result is the exit code and the output of one command line.
type result struct {
	code     int
	out, err string
}

// command runs a command line as main does, with the given stdin.
func command(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var out, errs strings.Builder
	code := execute(t.Context(), args, streams{in: strings.NewReader(stdin), out: &out, err: &errs})
	return result{code, out.String(), errs.String()}
}

// write writes text to a file below dir, creates its folder if necessary, and returns the path of the file.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWrongUsageExitsWithTwoAndNamesTheHelp(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"", "fly", "mapping", "mapping fly", "mapping show", "mapping check", "mapping test", "mapping explain",
		"mapping presets extra", "mapping presets -o yaml", "mapping check shopify -o xml", "mapping test x.yaml -o xml",
		"mapping explain shopify -o xml", "mapping explain shopify --header nothing", "mapping explain shopify --heder x=y",
		"preview -o xml", "preview --since yesterday", "preview --since -1h", "preview --latency 0s", "preview extra",
		"letters", "letters list -o xml", "letters show a/0/0 -o xml", "letters list --limit 0", "letters list --since 1w",
		"version 1",
	} {
		got := command(t, "", strings.Fields(line)...)
		if got.code != exitUsage || !strings.Contains(got.err, "--help") || got.out != "" {
			t.Errorf("%q: got %+v, want exit code 2, a pointer to --help, and nothing on stdout", line, got)
		}
	}
}

func TestMistakesInSettingsExitWithTwoAndALineEach(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", "kafka")
	t.Setenv("CALLS_IN_FLIGHT", "many")
	got := command(t, "", "preview")
	if lines := strings.Split(strings.TrimSpace(got.err), "\n"); got.code != exitUsage || len(lines) != 3 ||
		!strings.HasPrefix(lines[0], "KAFKA_BROKERS: ") {
		t.Errorf("got %+v, want exit code 2 and a line for KAFKA_BROKERS, KAFKA_TOPICS and CALLS_IN_FLIGHT", got)
	}
}

func TestVersionGoesToStdout(t *testing.T) {
	t.Parallel()
	if got := command(t, "", "version"); got.code != 0 || !strings.HasPrefix(got.out, "leadhit-sync ") || got.err != "" {
		t.Errorf("got %+v, want the version", got)
	}
}

func readAll(r *http.Request) string {
	text, _ := io.ReadAll(r.Body) // a test's client sends the whole body
	return string(text)
}

func stringBody(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }
