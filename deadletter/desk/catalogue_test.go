package desk_test

import (
	"html/template"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/desk/desktest"
)

func catalogue(t *testing.T, lang string) map[string][]string {
	t.Helper()
	all, err := desk.Catalogue(lang)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBothCataloguesHaveTheSameTexts(t *testing.T) {
	t.Parallel()
	en, ru := catalogue(t, "en"), catalogue(t, "ru")
	for key, forms := range en {
		if ru[key] == nil {
			t.Errorf("%s has no Russian text", key)
			continue
		}
		if n := [2]int{len(forms), len(ru[key])}; n != [2]int{1, 1} && n != [2]int{2, 3} {
			t.Errorf("%s has %d English and %d Russian forms, want 1 and 1, or 2 and 3", key, len(forms), len(ru[key]))
		}
		for _, form := range ru[key] {
			if got, want := placeholders(form), placeholders(forms[len(forms)-1]); !slices.Equal(got, want) {
				t.Errorf("%s has the arguments %v in Russian, want %v as in English", key, got, want)
			}
		}
	}
	for key := range ru {
		if en[key] == nil {
			t.Errorf("%s has no English text", key)
		}
	}
}

func placeholders(text string) []string {
	all := regexp.MustCompile(`\{\d\}`).FindAllString(text, -1)
	slices.Sort(all)
	return slices.Compact(all)
}

// sources returns everything that may name a text: programs, templates and scripts.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		isSource := slices.Contains([]string{".go", ".html", ".tmpl", ".gohtml", ".js"}, filepath.Ext(path))
		if err != nil || entry.IsDir() || !isSource || strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		all.Write(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

var (
	keyUse  = regexp.MustCompile("(?:\\bt |\\bt\\(|\\.t\\()[\"`]([a-z0-9_.-]+)[\"`]")
	wordUse = regexp.MustCompile("\\bword[ (][\"`]([a-z0-9_.-]+)[\"`]")
	quoted  = regexp.MustCompile("[\"`]([a-z0-9_.-]+)[\"`]")
)

func TestEveryTextIsUsedAndEveryUsedTextExists(t *testing.T) {
	t.Parallel()
	all, source := catalogue(t, "en"), sources(t)
	used := map[string]bool{}
	for _, match := range quoted.FindAllStringSubmatch(source, -1) {
		used[match[1]] = true
	}
	for _, match := range wordUse.FindAllStringSubmatch(source, -1) {
		words := wordsOf(all, match[1])
		for _, key := range words {
			used[key] = true
		}
		if len(words) == 0 {
			t.Errorf("the catalogue has no words of the kind %s", match[1])
		}
	}
	for key := range all {
		if !used[key] {
			t.Errorf("nothing uses the text %s", key)
		}
	}
	for _, match := range keyUse.FindAllStringSubmatch(source, -1) {
		if all[match[1]] == nil {
			t.Errorf("the catalogue has no text %s", match[1])
		}
	}
}

// wordsOf returns the keys of one kind of text.
func wordsOf(all map[string][]string, kind string) (keys []string) {
	for key := range all {
		if name, ok := strings.CutPrefix(key, kind+"."); ok && !strings.Contains(name, ".") {
			keys = append(keys, key)
		}
	}
	return keys
}

func TestATextCountsInItsLanguage(t *testing.T) {
	t.Parallel()
	letters := map[string][]string{
		"en": {"{1} letter", "{1} letters"}, "ru": {"{1} письмо", "{1} письма", "{1} писем"},
	}
	for lang, cases := range map[string]map[int]string{
		"en": {0: "0 letters", 1: "1 letter", 2: "2 letters", 21: "21 letters", 1902: "1,902 letters"},
		"ru": {
			0: "0 писем", 1: "1 письмо", 2: "2 письма", 5: "5 писем", 11: "11 писем", 12: "12 писем", 21: "21 письмо",
			22: "22 письма", 111: "111 писем", 1902: "1902 письма", 1204331: "1\u00a0204\u00a0331 письмо",
		},
	} {
		for n, want := range cases {
			if got := render(t, lang, letters[lang], "{{t `x` .}}", n); got != want {
				t.Errorf("%s: got %q, want %q", lang, got, want)
			}
		}
	}
}

func TestATextEscapesItsArguments(t *testing.T) {
	t.Parallel()
	const evil = `<script>"&'`
	at := time.Date(2026, 11, 29, 9, 14, 3, 0, time.UTC)
	type page struct {
		Evil string
		At   time.Time
	}
	for source, want := range map[string]string{
		"{{t `x` .Evil 1}}": `by &lt;script&gt;&#34;&amp;&#39; &lt;b&gt; 1`,
		"{{t `x` .Evil (when .At)}}": `by &lt;script&gt;&#34;&amp;&#39; &lt;b&gt; <time ` +
			`datetime="2026-11-29T09:14:03.000Z" title="2026-11-29 09:14:03 UTC">2026-11-29 09:14:03 UTC</time>`,
		`<i title="{{t "x" .Evil 1}}">`: `<i title="by &lt;script&gt;&#34;&amp;&#39; &lt;b&gt; 1">`,
		`<i title="{{t "x" .Evil (when .At)}}">`: `<i title="by &lt;script&gt;&#34;&amp;&#39; &lt;b&gt; ` +
			`2026-11-29 09:14:03 UTC">`,
	} {
		if got := render(t, "en", []string{"by {1} <b> {2}"}, source, page{evil, at}); got != want {
			t.Errorf("%s:\n got %s\nwant %s", source, got, want)
		}
	}
}

func render(t *testing.T, lang string, text []string, source string, data any) string {
	t.Helper()
	all := catalogue(t, lang)
	all["x"] = text
	page, err := template.New("").Funcs(desk.TextFuncs(lang, all)).Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := page.Execute(&out, data); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestATimeIsInUTCAndReadableWithoutAScript(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.FixedZone("", 3*3600))
	for source, want := range map[string]string{
		"{{when .}}": `<time datetime="2026-11-29T09:00:00.000Z" title="2026-11-29 09:00:00 UTC">` +
			`2026-11-29 09:00:00 UTC</time>`,
		"{{lasting (duration 3661000000000)}}":  "1\u00a0h 1\u00a0min",
		"{{lasting (duration 93600000000000)}}": "1\u00a0d 2\u00a0h",
		"{{lasting (duration 90061000000000)}}": "1\u00a0d 1\u00a0h",
		"{{lasting (duration 86461000000000)}}": "1\u00a0d",
		"{{lasting (duration 0)}}":              "0\u00a0s",
		"{{ago . (after . 7260000000000)}}":     relative("2\u00a0h ago"),
		"{{ago . (after . 4000000000)}}":        relative("just now"),
		"{{ago . (after . -90000000000)}}":      relative("in 1\u00a0min"),
		"{{seconds 0.2}}":                       "0\u00a0s",
		"{{seconds 760.4}}":                     "12\u00a0min 40\u00a0s",
	} {
		if got := renderTime(t, source, now); got != want {
			t.Errorf("%s: got %s, want %s", source, got, want)
		}
	}
}

// relative returns the <time> element for the test's fixed time, with the given text.
func relative(text string) string {
	return `<time datetime="2026-11-29T09:00:00.000Z" title="2026-11-29 09:00:00 UTC" data-relative="">` +
		text + `</time>`
}

func renderTime(t *testing.T, source string, now time.Time) string {
	t.Helper()
	funcs := desk.TextFuncs("en", catalogue(t, "en"))
	funcs["duration"] = func(n int64) time.Duration { return time.Duration(n) }
	funcs["after"] = func(at time.Time, n int64) time.Time { return at.Add(time.Duration(n)) }
	page := template.Must(template.New("").Funcs(funcs).Parse(source))
	var out strings.Builder
	if err := page.Execute(&out, now); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

var noteUse = regexp.MustCompile(`\b(?:note|warn)\("([a-z-]+)"`)

// A note without a text would be in English on a Russian page.
func TestEveryNoteOfAPlanOrAnOrderHasAText(t *testing.T) {
	t.Parallel()
	all := catalogue(t, "ru")
	files, err := filepath.Glob("../operator/*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"paused-by hand", "paused-flood"}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range noteUse.FindAllStringSubmatch(string(source), -1) {
			names = append(names, strings.TrimSuffix(match[1], "-"))
		}
	}
	if len(names) < 12 {
		t.Fatalf("got the notes %q, want all of package operator", names)
	}
	for _, name := range names {
		if name != "paused" && all["note."+name] == nil {
			t.Errorf("note %s has no text", name)
		}
	}
}

func TestANoteIsInThePagesLanguage(t *testing.T) {
	t.Parallel()
	backend := desktest.Story("many")
	_, texts := answer(t, backend, get(t, "/plan"), "ru")
	if want := "сейчас повторятся первые 1000"; !strings.Contains(texts, want) {
		t.Errorf("got %s, want %q in it", texts, want)
	}
	_, texts = answer(t, backend, get(t, "/orders?id=4713"), "ru")
	if want := "Ни один экземпляр группы shop не ответил"; !strings.Contains(texts, want) {
		t.Errorf("got %s, want %q in it", texts, want)
	}
}
