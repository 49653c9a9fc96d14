package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The Russian README must have the same commands, the same code in its tables and the same links as the English one.
func TestTheRussianReadmeHasTheSameCommands(t *testing.T) {
	t.Parallel()
	root := repository(t)
	english, russian := readFile(t, filepath.Join(root, "README.md")), readFile(t, filepath.Join(root, "README.ru.md"))
	for what, find := range map[string]func(string) []string{
		"blocks": commandsOf, "code in tables": codeInTables,
		"links": linksOf,
	} {
		want, got := find(english), find(russian)
		if len(want) < 5 {
			t.Errorf("got %d %s in README.md, want at least 5", len(want), what)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s of README.ru.md differ from README.md: %s", what,
				firstDifference(strings.Join(got, "\n"), strings.Join(want, "\n")))
		}
	}
}

// The two commands below work without further setup.
func TestBothReadmesNameTheCommandsForAFreshMachine(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"README.md", "README.ru.md"} {
		text := readFile(t, filepath.Join(repository(t), name))
		for _, want := range []string{"go run ./cmd/demo", "`make test`"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not name %q", name, want)
			}
		}
	}
}

// commandsOf returns the lines of a document's code blocks, excluding comments.
func commandsOf(text string) []string {
	var lines []string
	comment := regexp.MustCompile(`\s+# .*$`)
	for _, block := range regexp.MustCompile("(?s)```[a-z]*\n(.*?)```").FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			lines = append(lines, comment.ReplaceAllString(strings.TrimRight(line, "\n"), ""))
		}
	}
	return lines
}

// codeInTables returns the words in backquotes, for each row of a table.
func codeInTables(text string) []string {
	var rows []string
	for _, row := range regexp.MustCompile(`(?m)^\|.*$`).FindAllString(text, -1) {
		rows = append(rows, strings.Join(regexp.MustCompile("`[^`]+`").FindAllString(row, -1), " "))
	}
	return rows
}

// linksOf returns the targets of a document's links and images, except those from one language to the other.
func linksOf(text string) []string {
	var targets []string
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		if target := m[1] + m[2]; !strings.HasPrefix(target, "README.") {
			targets = append(targets, target)
		}
	}
	return targets
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"`)

func TestLinksAndPathsInDocumentsExist(t *testing.T) {
	t.Parallel()
	root := repository(t)
	documents := allDocuments(t, root)
	if len(documents) < 10 {
		t.Fatalf("got %d documents, want at least 10", len(documents))
	}
	for _, path := range documents {
		text := readFile(t, path)
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if target := m[1] + m[2]; !strings.Contains(target, "://") {
				checkLink(t, path, target)
			}
		}
		for _, m := range pathOfACode.FindAllStringSubmatch(text, -1) {
			if !exists(filepath.Join(root, m[1])) && !exists(filepath.Join(filepath.Dir(path), m[1])) {
				t.Errorf("%s: got the path %s, want one that exists", path, m[1])
			}
		}
	}
}

// pathOfACode finds paths of our own Go files in backquotes, and after two spaces, as in a code block.
var pathOfACode = regexp.MustCompile("(?:`|  )((?:cmd|consumer|leadhit|retry|deadletter|config|deploy|integration)/[A-Za-z0-9_./-]*\\.go)\\b")

// allDocuments returns the paths of the repository's Markdown files.
func allDocuments(t *testing.T, root string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && slices.Contains([]string{".git", ".cache", "bin"}, entry.Name()) {
			return fs.SkipDir
		}
		if err == nil && filepath.Ext(path) == ".md" {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// checkLink checks that a link's file exists and, if the link names a heading, has that heading.
func checkLink(t *testing.T, from, target string) {
	t.Helper()
	file, heading, _ := strings.Cut(target, "#")
	path := from
	if file != "" {
		path = filepath.Join(filepath.Dir(from), file)
	}
	if !exists(path) {
		t.Errorf("%s: got a link to %s, want a file that exists", from, target)
		return
	}
	if heading != "" && !slices.Contains(headings(readFile(t, path)), heading) {
		t.Errorf("%s: got a link to %s, want a heading that exists", from, target)
	}
}

// headings returns the anchors of a document's headings, as sites such as GitHub form them.
func headings(text string) []string {
	var anchors []string
	text = regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		words := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		anchors = append(anchors, strings.ReplaceAll(words, " ", "-"))
	}
	return anchors
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
