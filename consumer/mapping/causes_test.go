package mapping_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"leadhit-sync/consumer/mapping"
)

// A cause that is missing from the list would have no metric until its first letter, and a cause that is missing from
// the package comment would be undocumented.
func TestAllCausesAreListed(t *testing.T) {
	t.Parallel()
	want := causesOfTheSources(t)
	got := slices.Sorted(slices.Values(mapping.Causes()))
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, cause := range got {
		if !strings.Contains(string(doc), cause) {
			t.Errorf("got nothing about %s in the package comment", cause)
		}
	}
}

// causesOfTheSources returns the values of all constants in the package whose names begin with "cause".
func causesOfTheSources(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	constant := regexp.MustCompile(`\bcause[A-Z]\w* *= "(\w+)"`)
	var causes []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range constant.FindAllSubmatch(text, -1) {
			causes = append(causes, string(found[1]))
		}
	}
	slices.Sort(causes)
	return causes
}
