package tree_test

import (
	"errors"
	"strings"
	"testing"

	"leadhit-sync/consumer/mapping/tree"
)

// found returns the value at a path in a document.
func found(tb testing.TB, path, doc string) string {
	tb.Helper()
	p, err := tree.ParsePath(path)
	if err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
	var plan tree.Plan
	slot := plan.Add(p)
	var s tree.Scanner
	if err := s.Scan(&plan, []byte(doc)); err != nil {
		tb.Fatalf("%s: %v", doc, err)
	}
	return string(s.At(slot))
}

func TestAPathLeadsToOneValue(t *testing.T) {
	t.Parallel()
	const doc = `{"a":{"b":[10,[20,{"c":"deep"}],30],"":1,"b c":2,"it's":3,"q\"":4,"\\":5,"ы":6,"$":7,"x\ny":8,"😀":9},"0":"zero"}`
	for _, c := range []struct{ path, want string }{
		{"$", doc},
		{"$.a.b[0]", "10"},
		{"$.a.b[2]", "30"},
		{"$.a.b[3]", ""},
		{"$.a.b[-1]", "30"},
		{"$.a.b[-3]", "10"},
		{"$.a.b[-4]", ""},
		{"$.a.b[1][1].c", `"deep"`},
		{"$.a.b[-2][-1].c", `"deep"`},
		{"$['a']['b'][0]", "10"},
		{`$["a"]["b"][0]`, "10"},
		{"$.a['']", "1"},
		{"$.a['b c']", "2"},
		{`$.a['it\'s']`, "3"},
		{`$.a["it's"]`, "3"},
		{`$.a["q\""]`, "4"},
		{`$.a['q"']`, "4"},
		{`$.a['\\']`, "5"},
		{"$.a.ы", "6"},
		{`$.a['\u044b']`, "6"},
		{"$.a['$']", "7"},
		{`$.a['x\ny']`, "8"},
		{"$.a.😀", "9"},
		{"$['0']", `"zero"`},
		{"$[0]", ""},
		{"$.a.b.c", ""},
		{"$.A", ""},
		{"$.missing.b", ""},
		{"$.a", doc[5:strings.Index(doc, `,"0"`)]},
	} {
		if got := found(t, c.path, doc); got != c.want {
			t.Errorf("%s: got %s, want %s", c.path, got, c.want)
		}
	}
}

func TestAPathToManyValuesIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path    string
		at      int
		problem string
	}{
		{"", 0, "begins with $"},
		{"a", 0, "begins with $"},
		{"@.a", 0, "begins with $"},
		{"$a", 1, "want .name"},
		{"$ .a", 1, "want .name"},
		{"$.", 2, "a name begins"},
		{"$.1", 2, "a name begins"},
		{"$..a", 1, "the descent"},
		{"$.*", 1, "many values"},
		{"$.a[*]", 3, "only each may use"},
		{"$.a[*].b", 3, "only each may use"},
		{"$[?@.a]", 1, "filters"},
		{"$[0,1]", 2, "want one index"},
		{"$[0:2]", 2, "want one index"},
		{"$[01]", 2, "want one index"},
		{"$[-0]", 2, "want one index"},
		{"$[+1]", 2, "want one index"},
		{"$[ 0]", 2, "want one index"},
		{"$[]", 2, "want one index"},
		{"$[0", 3, "not closed"},
		{"$[100001]", 2, "at most 100000"},
		{"$[-100001]", 2, "at most 100000"},
		{"$[99999999999999999999]", 2, "at most 100000"},
		{"$['a", 4, "not closed"},
		{"$['a'", 5, "want ]"},
		{"$['a'b]", 5, "want ]"},
		{"$['a','b']", 5, "want ]"},
		{`$['a\x41']`, 4, "unknown escape"},
		{`$['\ud800']`, 3, "unknown escape"},
		{`$['\`, 3, "unknown escape"},
		{`$['\101']`, 3, "unknown escape"},
		{`$['\"']`, 3, "unknown escape"},
		{"$['\n']", 3, "control character"},
		{"$.a-b", 3, "needs brackets"},
		{"$.a b", 3, "needs brackets"},
		{"$.ы-b", 3, "needs brackets"},
		{"$.a\xff", 0, "UTF-8"},
		{"$" + strings.Repeat(".a", 65), 129, "64 steps"},
	} {
		_, err := tree.ParsePath(c.path)
		var bad *tree.PathError
		if !errors.As(err, &bad) || bad.At != c.at || !strings.Contains(bad.Problem, c.problem) {
			t.Errorf("%q: got %v, want %d: %s", c.path, err, c.at, c.problem)
		}
	}
}

func TestAListsPathEndsInOneWildcard(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"$[*]": "", "$.a[*]": "", "$.a[-1]['b'][*]": "", "$": "ends in [*]", "$.a": "ends in [*]", "$[*].a": "nothing may follow", "$[*][*]": "nothing may follow",
		"$..a[*]": "descent", "a[*]": "begins with $",
	} {
		_, err := tree.ParseList(path)
		if got := err == nil; got != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"$", "$.a[0][-1]['b\\u0041']", `$["a"].ы[*]`, "$..a", "$[?(@)]", "$['\\", "$[-", "$.😀"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path, err := tree.ParsePath(text)
		list, listErr := tree.ParseList(text)
		if err == nil && listErr == nil {
			t.Errorf("%q is a path and a list's path", text)
		}
		if err != nil || listErr == nil && len(list) > 64 {
			return
		}
		var plan tree.Plan
		slot := plan.Add(path)
		var s tree.Scanner
		if err := s.Scan(&plan, []byte(`{"a":[{"b":1},[2]]}`)); err != nil {
			t.Fatal(err)
		}
		if at := s.At(slot); at == nil && text == "$" {
			t.Error("$ leads nowhere")
		}
	})
}
