package desk

import (
	"embed"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

//go:embed catalogues
var catalogueFiles embed.FS

// texts holds the desk's texts in one language. The files have a line for each text: key = text. In a text, {1} is the
// first argument. The plural forms of a text with a number are separated by vertical bars, in the order of
// [texts.form].
type texts struct {
	lang  string
	byKey map[string][]string
}

// readCatalogue reads the files of a language.
func readCatalogue(files fs.FS, lang string) (*texts, error) {
	t := &texts{lang: lang, byKey: map[string][]string{}}
	names, err := fs.Glob(files, path.Join("catalogues", lang, "*.txt"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		for i, line := range strings.Split(string(content), "\n") {
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			key, text, ok := strings.Cut(line, " = ")
			switch key = strings.TrimSpace(key); {
			case !ok || strings.TrimSpace(text) == "":
				return nil, fmt.Errorf("%s:%d: want key = text", name, i+1)
			case t.byKey[key] != nil:
				return nil, fmt.Errorf("%s:%d: a second text with the key %s", name, i+1, key)
			}
			t.byKey[key] = strings.Split(strings.TrimSpace(text), " | ")
		}
	}
	return t, nil
}

var placeholder = regexp.MustCompile(`\{(\d)\}`)

// t returns the text for a key. The first whole number among the arguments chooses the plural form. Arguments of the
// type template.HTML, such as links and times, make the whole text HTML; everything else in it is escaped.
func (t *texts) t(key string, args ...any) any {
	forms := t.byKey[key]
	if forms == nil {
		return key
	}
	text := forms[0]
	if n, ok := firstNumber(args); ok {
		text = forms[min(t.form(n), len(forms)-1)]
	}
	if !hasHTML(args) {
		return t.fill(text, args, func(s string) string { return s })
	}
	return template.HTML(t.fill(html.EscapeString(text), args, html.EscapeString)) //nolint:gosec // fill escapes
}

// word returns the text for a value that programs use as a name, such as a state. A value without a text is returned
// unchanged, because it may be from a newer worker.
func (t *texts) word(kind string, value any) string {
	name := fmt.Sprint(value)
	if forms := t.byKey[kind+"."+name]; forms != nil {
		return forms[0]
	}
	return name
}

// fill puts the arguments into a text. It escapes each argument that is not HTML of our own. A placeholder without an
// argument stays visible, so that a test finds it. A gap would mislead a reader.
func (t *texts) fill(text string, args []any, escape func(string) string) string {
	return placeholder.ReplaceAllStringFunc(text, func(mark string) string {
		i := int(mark[1] - '1')
		if i < 0 || i >= len(args) {
			return mark
		}
		if safe, ok := args[i].(template.HTML); ok {
			return string(safe)
		}
		return escape(t.show(args[i]))
	})
}

// show formats an argument for human readers. It groups the digits of whole numbers.
func (t *texts) show(arg any) string {
	if n, ok := wholeNumber(arg); ok {
		return t.number(n)
	}
	return fmt.Sprint(arg)
}

// number groups digits: 1,204,331 in English; 1 204 331 in Russian, which leaves four digits together.
func (t *texts) number(n int64) string {
	digits, sign := strconv.FormatInt(n, 10), ""
	if n < 0 {
		digits, sign = digits[1:], "-"
	}
	separator := ","
	if t.lang == russian {
		separator = "\u00a0"
		if len(digits) == 4 {
			return sign + digits
		}
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + separator + digits[i:]
	}
	return sign + digits
}

// form returns the index of the plural form for a number: one and other in English; one, few and many in Russian.
func (t *texts) form(n int64) int {
	n = max(n, -n)
	if t.lang != russian {
		if n == 1 {
			return 0
		}
		return 1
	}
	switch ten, hundred := n%10, n%100; {
	case ten == 1 && hundred != 11:
		return 0
	case ten >= 2 && ten <= 4 && (hundred < 12 || hundred > 14):
		return 1
	}
	return 2
}

// firstNumber returns the number that chooses the plural form. A text with several numbers is written so that its first
// number chooses the form.
func firstNumber(args []any) (int64, bool) {
	for _, arg := range args {
		if n, ok := wholeNumber(arg); ok {
			return n, true
		}
	}
	return 0, false
}

func wholeNumber(arg any) (int64, bool) {
	switch n := arg.(type) {
	case int:
		return int64(n), true
	case int64:
		return n, true
	case uint64:
		return int64(min(n, 1<<63-1)), true
	}
	return 0, false
}

// hasHTML reports whether an argument is HTML. If so, we must escape the other arguments ourselves, because the
// template will not.
func hasHTML(args []any) bool {
	for _, arg := range args {
		if _, ok := arg.(template.HTML); ok {
			return true
		}
	}
	return false
}

// readCatalogues reads the catalogues of all languages.
func readCatalogues() (map[string]*texts, error) {
	all := map[string]*texts{}
	for _, lang := range []string{english, russian} {
		t, err := readCatalogue(catalogueFiles, lang)
		if err != nil {
			return nil, err
		}
		all[lang] = t
	}
	return all, nil
}

// funcs returns the template functions of this language.
func (t *texts) funcs() template.FuncMap {
	return template.FuncMap{
		"lang": func() string { return t.lang }, "t": t.t, "word": t.word, "number": t.number64, "when": t.when,
		"ago": t.ago, "lasting": t.lasting, "seconds": t.seconds,
		"tell": t.tell, "working": t.working, "asks": t.asks, "explain": t.explain,
		"state": t.state, "advice": t.advice, "nextCall": t.nextCall, "perSecond": t.perSecond, "offset": offset,
		"flooded": t.flooded, "note": t.note,
	}
}

// number64 is like number, but accepts any number type that a template passes.
func (t *texts) number64(n any) string { return t.show(n) }
