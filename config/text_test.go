package config_test

import (
	"strings"
	"testing"
	"time"

	"leadhit-sync/config"
)

func TestSizesAreReadAndWritten(t *testing.T) {
	for _, test := range []struct {
		text  string
		want  config.Bytes
		again string
	}{
		{"0", 0, "0B"},
		{"1", 1, "1B"},
		{"1500B", 1500, "1500B"},
		{"1024", 1 << 10, "1KiB"},
		{"64KiB", 64 << 10, "64KiB"},
		{"16MiB", 16 << 20, "16MiB"},
		{"1024MiB", 1 << 30, "1GiB"},
		{"8589934591GiB", 8589934591 << 30, "8589934591GiB"},
		{"9223372036854775807", 1<<63 - 1, "9223372036854775807B"},
	} {
		var got config.Bytes
		if err := got.UnmarshalText([]byte(test.text)); err != nil || got != test.want {
			t.Errorf("%s: got %d, %v, want %d", test.text, got, err, test.want)
		}
		if got.String() != test.again {
			t.Errorf("%s: got %s written, want %s", test.text, got, test.again)
		}
	}
}

func TestATextThatIsNotASizeIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "MiB", "-1", "+1", "1.5MiB", "1e3", "16MB", "16Mi", "16K", "16mib", "16 MiB", " 16MiB", "16MiBMiB", "16BiM", "0x10", "1_000",
		"8589934592GiB", "9223372036854775808", "99999999999999999999999", "１MiB", strings.Repeat("9", 5000),
	} {
		got := config.Bytes(7)
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got %d, want an error", clip(text), got)
		} else if len(err.Error()) > 200 {
			t.Errorf("%q: got an error of %d bytes, want a line", clip(text), len(err.Error()))
		}
		if got != 7 {
			t.Errorf("%q: got %d beside the error, want what was there", clip(text), got)
		}
	}
}

func TestStartsAreReadAndWritten(t *testing.T) {
	for _, test := range []struct {
		text string
		want config.Start
	}{
		{"earliest", config.Start{}},
		{"latest", config.Start{Latest: true}},
		{"2026-01-31T10:00:00Z", config.Start{Time: time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)}},
		{"2026-01-31T10:00:00.5Z", config.Start{Time: time.Date(2026, 1, 31, 10, 0, 0, 500_000_000, time.UTC)}},
	} {
		var got config.Start
		if err := got.UnmarshalText([]byte(test.text)); err != nil || got != test.want {
			t.Errorf("%s: got %+v, %v, want %+v", test.text, got, err, test.want)
		}
		if got.String() != test.text {
			t.Errorf("%s: got %s written, want the same", test.text, got)
		}
	}
	for _, text := range []string{"", "Latest", "2026-01-31", "1767225600", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z"} {
		var got config.Start
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got %s, want an error", text, got)
		}
	}
}

func FuzzSize(f *testing.F) {
	for _, text := range []string{"0", "16MiB", "1500B", "8589934592GiB", "MiB", "-1", "９"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var size config.Bytes
		if size.UnmarshalText([]byte(text)) != nil {
			return
		}
		if size < 0 {
			t.Fatalf("%q: got %d, want no size below zero", text, size)
		}
		var again config.Bytes
		if err := again.UnmarshalText([]byte(size.String())); err != nil || again != size {
			t.Fatalf("%q: got %d and %v from %s, want %d", text, again, err, size, size)
		}
	})
}

func FuzzStart(f *testing.F) {
	for _, text := range []string{"earliest", "latest", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00.000000001+23:59"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var start config.Start
		if start.UnmarshalText([]byte(text)) != nil {
			return
		}
		var again config.Start
		if err := again.UnmarshalText([]byte(start.String())); err != nil || !again.Time.Equal(start.Time) || again.Latest != start.Latest {
			t.Fatalf("%q: got %+v and %v from %s, want %+v", text, again, err, start, start)
		}
	})
}

func clip(text string) string { return text[:min(len(text), 40)] }
