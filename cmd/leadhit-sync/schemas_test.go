package main

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The JSON forms are an interface, so each has a name, and one document describes them all.
func TestEverySchemaIsDocumentedOnce(t *testing.T) {
	t.Parallel()
	inCode := slices.Concat(schemasIn(t, "."), schemasIn(t, "../worker/observe"))
	slices.Sort(inCode)
	inCode = slices.Compact(inCode)
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_.]+\\.v[0-9]+)` \\|").FindAllStringSubmatch(schemasDocument(t), -1) {
		documented = append(documented, m[1])
	}
	slices.Sort(documented)
	if len(inCode) < 10 || !slices.Equal(documented, inCode) {
		t.Errorf("got the documented schemas\n%q\nwant those of the code\n%q", documented, inCode)
	}
}

func TestEveryCommandWithJSONNamesItsSchema(t *testing.T) {
	t.Parallel()
	document := schemasDocument(t)
	for c := range commands(rootCommand()) {
		name := strings.TrimPrefix(c.CommandPath(), "leadhit-sync ")
		if c.Flags().Lookup("output") != nil && !strings.Contains(document, "`"+name+"`") {
			t.Errorf("got no schema of %q in README.md", name)
		}
	}
}

func schemasDocument(t *testing.T) string { t.Helper(); return readFile(t, "README.md") }

// schemasIn returns the names of schemas in a folder's Go files, except tests.
func schemasIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: got %d files, %v", folder, len(files), err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`"([a-z_.]+\.v[0-9]+)"`).FindAllStringSubmatch(readFile(t, file), -1) {
			names = append(names, m[1])
		}
	}
	return names
}
