package credentials_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"leadhit-sync/config/credentials"
)

const canary = "canary-secret"

// write writes text to a new file.
func write(t *testing.T, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "file")
	replace(t, file, text)
	return file
}

// replace replaces the content of a file in one step, as Kubernetes does.
func replace(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func TestReadReturnsTheContentOfARegularFile(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"", "short", strings.Repeat("long", 1<<10)} {
		if got, err := credentials.Read(write(t, want)); err != nil || string(got) != want {
			t.Errorf("got %.10q, %v, want %.10q", got, err, want)
		}
	}
}

func TestReadRefusesIrregularFilesWithoutBlocking(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, large := filepath.Join(dir, "pipe"), filepath.Join(dir, "large")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(large, make([]byte, 4<<20+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		pipe: "not a regular file", os.DevNull: "not a regular file", "/dev/zero": "not a regular file", dir: "is a directory",
		large: "larger than 4 MiB", filepath.Join(dir, "absent"): "no such file",
	} {
		_, err := credentials.Read(name)
		if of, ok := err.(*fs.PathError); !ok || of.Path != name || !strings.Contains(of.Err.Error(), want) {
			t.Errorf("%s: got %v, want a PathError with %q", name, err, want)
		}
	}
}

func TestPasswordIsOneLineWithoutItsEnd(t *testing.T) {
	t.Parallel()
	const password = " pass word " // white space belongs to a password
	for _, end := range []string{"", "\n", "\r\n\n"} {
		if got, err := credentials.Password(write(t, password+end)); err != nil || got != password {
			t.Errorf("%q: got %q, %v, want %q", end, got, err, password)
		}
	}
	for text, want := range map[string]string{
		"": "empty", "\r\n": "empty", "\ufeff" + canary: "byte order mark", canary + "\n" + canary: "line break", canary + "\x00": "zero byte",
	} {
		_, err := credentials.Password(write(t, text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%q: got %v, want %q without the content", text, err, want)
		}
	}
}
