package credentials_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"leadhit-sync/config/credentials"
)

func TestKeepReturnsTheErrorOfTheFirstReading(t *testing.T) {
	t.Parallel()
	wrong := errors.New("wrong")
	_, err := credentials.Keep("SETTING", slog.New(slog.DiscardHandler), func() (int, error) { return 0, wrong })
	if !errors.Is(err, wrong) {
		t.Errorf("got %v, want %v", err, wrong)
	}
}

func TestContentStaysInUseWhileItsFileCannotBeRead(t *testing.T) {
	t.Parallel()
	file := write(t, "first")
	var log bytes.Buffer
	kept, err := credentials.Keep("PASSWORD_FILE", slog.New(slog.NewTextHandler(&log, nil)), func() (string, error) {
		return credentials.Password(file)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		text, want        string
		failed, recovered int // log lines so far
	}{
		{"first", "first", 0, 0},
		{"", "first", 1, 0},
		{"", "first", 1, 0},
		{"second", "second", 1, 1},
		{"third", "third", 1, 1},
		{"", "third", 2, 1},
	} {
		replace(t, file, step.text)
		if got := kept.Load(); got != step.want {
			t.Errorf("%q in the file: got %q, want %q", step.text, got, step.want)
		}
		failed := strings.Count(log.String(), `msg="the file cannot be used; its previous content stays in use; fix the file" setting=PASSWORD_FILE`)
		recovered := strings.Count(log.String(), `msg="the file can be used again" setting=PASSWORD_FILE`)
		if failed != step.failed || recovered != step.recovered {
			t.Errorf("got %d lines about failures and %d about recoveries, want %d and %d:\n%s", failed, recovered, step.failed, step.recovered, log.String())
		}
	}
}
