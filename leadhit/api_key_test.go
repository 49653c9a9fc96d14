package leadhit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"leadhit-sync/leadhit"
	"leadhit-sync/leadhit/sandbox"
	"leadhit-sync/retry"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAKeyFileIsChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"a key":                {canary, ""},
		"white space around":   {"\n  " + canary + "\r\n\n", ""},
		"empty":                {"", "empty"},
		"only white space":     {" \n", "empty"},
		"two lines":            {canary + "\n" + canary, "line break at byte 11: the key must be a single line"},
		"a carriage return":    {"a\rb", "line break at byte 1: the key must be a single line"},
		"a control character":  {"a\x00b", "control character at byte 1"},
		"a tab inside":         {"se\tcret", "control character at byte 2"},
		"a space inside":       {"two words", "space at byte 3"},
		"a byte order mark":    {"\ufeff" + canary, "not ASCII at byte 0: a byte order mark; save the file without one"},
		"longer than a header": {strings.Repeat(canary, 1000), "longer than 4096 bytes"},
		"letters beyond ASCII": {"ключ", "not ASCII at byte 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "key")
			write(t, file, c.text)
			_, err := leadhit.OpenKey(file, slog.New(slog.DiscardHandler))
			if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != "API key in "+file+": "+c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the key is in the error: %v", err)
			}
		})
	}
	if _, err := leadhit.OpenKey(filepath.Join(t.TempDir(), "missing"), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("got no error for a missing file")
	}
}

func TestAKeyIsNeverPrinted(t *testing.T) {
	t.Parallel()
	key := leadhit.FixedKey(canary)
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "key", key, "options", leadhit.Options{Key: key})
	text, err := json.Marshal(map[string]any{"key": key})
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("%v %+v %#v %s %q %x", key, key, key, key, key, key) +
		fmt.Sprintf("%v %+v %#v", leadhit.Options{Key: key}, leadhit.Options{Key: key}, leadhit.Options{Key: key})
	for what, text := range map[string]string{"log": logged.String(), "JSON": string(text), "fmt": printed} {
		if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
			t.Errorf("%s shows the key: %s", what, text)
		}
	}
	if got := fmt.Sprint(key); got != "***" {
		t.Errorf("got %s", got)
	}
}

func TestANewKeyIsUsedAtOnce(t *testing.T) {
	t.Parallel()
	node := sandbox.New(sandbox.Options{Key: "new"})
	server := httptest.NewServer(node)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "key")
	write(t, file, "old\n")
	log := new(logbook)
	key, err := leadhit.OpenKey(file, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	client := open(t, server.URL, func(o *leadhit.Options) { o.Key = key })
	if got := call(t, client); got.Kind != retry.Unauthorised {
		t.Errorf("old key: got %+v, want unauthorised", got)
	}
	for _, c := range []struct {
		text    string
		changed bool
		failed  int // log lines so far
	}{
		{"old", false, 0}, // the same key, without a line break
		{"", false, 1},
		{"new\n", true, 1},
		{"new\n", false, 1},
		{"a\nb", false, 2}, // the new key stays
	} {
		write(t, file, c.text)
		changed, failed := key.Reload(), log.count("previous content stays in use")
		if changed != c.changed || failed != c.failed {
			t.Errorf("%q: got %t, %d failures; want %t, %d", c.text, changed, failed, c.changed, c.failed)
		}
	}
	if log.count("setting=LEADHIT_API_KEY_FILE") == 0 || log.count("new") > 0 {
		t.Errorf("got this log, want the setting in it and no key:\n%s", log.text.String())
	}
	if got := call(t, client); got.Kind != retry.Done {
		t.Errorf("new key: got %+v, want done", got)
	}
	if leadhit.FixedKey("k").Reload() {
		t.Error("a fixed key has changed")
	}
}

// secretVolume lays out a directory as Kubernetes does: the key is a link into ..data, which is a link to a version.
// Call point to switch to another version.
func secretVolume(t *testing.T) (dir, file string, point func(version string)) {
	t.Helper()
	dir = t.TempDir()
	point = func(version string) {
		next := filepath.Join(dir, "..tmp")
		if err := os.Symlink(version, next); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	for _, version := range []string{"v1", "v2"} {
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, version, "key"), version)
	}
	point("v1")
	file = filepath.Join(dir, "key")
	if err := os.Symlink("..data/key", file); err != nil {
		t.Fatal(err)
	}
	return dir, file, point
}

// The file is a link to a link, and is swapped as Kubernetes swaps it in a Secret's volume.
func TestWatchSeesWhatKubernetesDoes(t *testing.T) {
	t.Parallel()
	dir, file, point := secretVolume(t)
	synctest.Test(t, func(t *testing.T) {
		log := new(logbook)
		note := func(text string) { _, _ = log.Write([]byte(text + "\n")) }
		key, err := leadhit.OpenKey(file, slog.New(slog.NewTextHandler(log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- key.Watch(ctx, time.Second, func() { note("changed") })
		}()
		time.Sleep(time.Second / 2) // virtual; steps and readings alternate from here on
		for _, step := range []func(){
			func() {},
			func() { point("v2") },
			func() { _ = os.Remove(file) },
			func() {}, // still missing: logged once
			func() { _ = os.Symlink("..data/key", file) },
			func() { _ = os.Remove(filepath.Join(dir, "v2", "key")) },
			func() { write(t, filepath.Join(dir, "v2", "key"), "v3") },
		} {
			step()
			time.Sleep(time.Second) // virtual
			synctest.Wait()
			note(".")
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("got %v, want nil", err)
		}
		var events []string
		for line := range strings.Lines(log.text.String()) {
			switch {
			case strings.Contains(line, "cannot be used"):
				line = "failed"
			case strings.Contains(line, "can be used again"):
				line = "recovered"
			}
			events = append(events, strings.TrimSpace(line))
		}
		if got, want := strings.Join(events, " "), ". changed . failed . . recovered . failed . recovered changed ."; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	if err := leadhit.FixedKey("k").Watch(t.Context(), 0, nil); err == nil {
		t.Error("an interval of 0: got no error")
	}
}
