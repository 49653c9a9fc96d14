package mapping_test

import (
	"os"
	"path/filepath"
	"testing"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping"
)

// loadPreset loads a preset for every topic.
func loadPreset(tb testing.TB, name string) *mapping.Mapping {
	tb.Helper()
	m, err := mapping.Load(mapping.Options{Source: name})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// file writes a mapping file, shop.yaml, and returns its path.
func file(tb testing.TB, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "shop.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// loadText loads a mapping from its text.
func loadText(tb testing.TB, text string) *mapping.Mapping {
	tb.Helper()
	m, err := mapping.Load(mapping.Options{Source: file(tb, text)})
	if err != nil {
		tb.Fatalf("the mapping is refused:\n%v", err)
	}
	return m
}

// short returns each item in a word or two: paid 17, ignore, or the cause of a refusal.
func short(items []event.Item) []string {
	all := make([]string, len(items))
	for i, o := range items {
		switch o.Action {
		case event.Call:
			all[i] = o.Status + " " + o.OrderID
		case event.Ignore:
			all[i] = "ignore"
		case event.Refuse:
			all[i] = o.Cause
		}
	}
	return all
}

// besides writes a file with the given name next to an existing file.
func besides(tb testing.TB, beside, name, text string) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(filepath.Dir(beside), name), []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}
