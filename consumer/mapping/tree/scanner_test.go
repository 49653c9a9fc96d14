package tree_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"leadhit-sync/consumer/mapping/tree"
)

func mustPath(tb testing.TB, text string) tree.Path {
	tb.Helper()
	p, err := tree.ParsePath(text)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestPathsWithinOneAnotherAreReadInOnePass(t *testing.T) {
	t.Parallel()
	var plan tree.Plan
	paths := []string{"$", "$.a", "$.a.b", "$.a.b[0]", "$.a.b[-1]", "$.a.b[-1].c", "$.a.b", "$.a.b[1]"}
	var slots []int
	for _, p := range paths {
		slots = append(slots, plan.Add(mustPath(t, p)))
	}
	const doc = ` {"z":[{}], "a" : {"b":[ 1 ,{"c" : 2 }] } } `
	var s tree.Scanner
	for range 2 { // the second time with what the first scan left behind
		if err := s.Scan(&plan, []byte(doc)); err != nil {
			t.Fatal(err)
		}
		want := []string{
			strings.TrimSpace(doc), `{"b":[ 1 ,{"c" : 2 }] }`, `[ 1 ,{"c" : 2 }]`, `1`, `{"c" : 2 }`, `2`, `[ 1 ,{"c" : 2 }]`, `{"c" : 2 }`,
		}
		for i, slot := range slots {
			if got := string(s.At(slot)); got != want[i] {
				t.Errorf("%s: got %s, want %s", paths[i], got, want[i])
			}
		}
		if s.Members() != 2 || s.Kind() != '{' {
			t.Errorf("got %d members of kind %c", s.Members(), s.Kind())
		}
	}
	kept := s.Keep(nil)
	if err := s.Scan(&plan, []byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	if string(s.At(slots[1])) != "1" || s.At(slots[2]) != nil || string(kept[slots[5]]) != "2" {
		t.Errorf("got %s, %s, and %s kept", s.At(slots[1]), s.At(slots[2]), kept[slots[5]])
	}
}

func TestTheItemsOfAListAreReadInTheSamePass(t *testing.T) {
	t.Parallel()
	list, err := tree.ParseList("$.orders[*]")
	if err != nil {
		t.Fatal(err)
	}
	var plan tree.Plan
	all := plan.Each(list)
	whole, id, last := plan.AddItem(tree.Path{}), plan.AddItem(mustPath(t, "$.id")), plan.AddItem(mustPath(t, "$.h[-1].s"))
	first, final, outer := plan.Add(mustPath(t, "$.orders[0].id")), plan.Add(mustPath(t, "$.orders[-1].id")), plan.Add(mustPath(t, "$.n"))
	var s tree.Scanner
	if err := s.Scan(&plan, []byte(`{"orders":[{"id":1,"h":[{"s":"a"},{"s":"b"}]},null,{"id":3,"h":[]}],"n":7}`)); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%d %s|%s|%s %s|%s|%s %s|%s|%s  %s %s %s", s.Items(),
		s.Item(0, whole), s.Item(0, id), s.Item(0, last), s.Item(1, whole), s.Item(1, id), s.Item(1, last), s.Item(2, whole), s.Item(2, id), s.Item(2, last),
		s.At(first), s.At(final), s.At(outer))
	want := `3 {"id":1,"h":[{"s":"a"},{"s":"b"}]}|1|"b" null|| {"id":3,"h":[]}|3|  1 3 7`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := s.Scan(&plan, []byte(`{"orders":[`+strings.Repeat("1,", 1500)+`1]}`)); err != nil || s.Items() != 1501 {
		t.Errorf("got %d items, %v, want 1501", s.Items(), err)
	}
	if got := string(s.Item(tree.MaxItems-1, whole)); got != "1" {
		t.Errorf("got %q for the last item that is read, want 1", got)
	}
	if err := s.Scan(&plan, []byte(`{"orders":{}}`)); err != nil || s.Items() != 0 || string(s.At(all)) != "{}" {
		t.Errorf("got %d items of %s, %v", s.Items(), s.At(all), err)
	}
}

func TestTextThatIsBrokenAnywhereIsAnError(t *testing.T) {
	t.Parallel()
	var plan tree.Plan
	plan.Add(mustPath(t, "$.a.b"))
	deep := strings.Repeat("[", 600)
	for _, c := range []struct {
		name, doc string
		reason    error
	}{
		{"nothing", "", nil},
		{"cut off", `{"a":`, nil},
		{"broken where nobody looks", `{"z":[1,}],"a":1}`, nil},
		{"text after it", `{} x`, nil},
		{"a duplicate", `{"a":1,"a":2}`, tree.ErrDuplicateName},
		{"a duplicate where nobody looks", `{"z":[{"x":1,"x":2}]}`, tree.ErrDuplicateName},
		{"a duplicate in escapes", `{"z":1,"\u007a":2}`, tree.ErrDuplicateName},
		{"too deep where nobody looks", `{"z":` + deep, tree.ErrTooDeep},
		{"too deep on the way", strings.Repeat(`{"a":`, 600), tree.ErrTooDeep},
		{"too deep at the end of the way", `{"a":{"b":` + deep, tree.ErrTooDeep},
	} {
		var s tree.Scanner
		err := s.Scan(&plan, []byte(c.doc))
		for _, reason := range []error{tree.ErrDuplicateName, tree.ErrTooDeep} {
			if err == nil || errors.Is(err, reason) != errors.Is(c.reason, reason) || err.Error() == "" {
				t.Errorf("%s: got %v, want the reason %v", c.name, err, c.reason)
			}
		}
	}
	for _, doc := range []string{
		"{\"z\":\"\xff\",\"a\":{\"b\":1}}", `{"z":"\ud800","a":{"b":1}}`, `{"z":` + deep[:511] + strings.Repeat("]", 511) + `,"a":{"b":1}}`,
		`{"z":"` + deep + `","a":{"b":1}}`,
	} {
		var s tree.Scanner
		if err := s.Scan(&plan, []byte(doc)); err != nil || string(s.At(0)) != "1" {
			t.Errorf("%.40s: got %s, %v, want 1", doc, s.At(0), err)
		}
	}
}

func TestElementsAreCountedFromTheEndOfALongList(t *testing.T) {
	t.Parallel()
	var plan tree.Plan
	third, deep := plan.Add(mustPath(t, "$[-3]")), plan.Add(mustPath(t, "$[-1000].x"))
	var doc strings.Builder
	doc.WriteString("[0")
	for i := range 50_000 {
		doc.WriteString(`,{"x":` + strconv.Itoa(i) + `}`)
	}
	doc.WriteString("]")
	var s tree.Scanner
	if err := s.Scan(&plan, []byte(doc.String())); err != nil || string(s.At(third)) != `{"x":49997}` || string(s.At(deep)) != "49000" {
		t.Errorf("got %s, %s, %v", s.At(third), s.At(deep), err)
	}
}

func TestTheFirstByteGivesTheKind(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]byte{
		"": 0, "-1": '0', "17": '0', "0": '0', `"a"`: '"', "{}": '{', "[]": '[', "true": 't', "false": 'f', "null": 'n',
	} {
		if got := tree.KindOf([]byte(text)); got != want {
			t.Errorf("%s: got %c, want %c", text, got, want)
		}
	}
}

// FuzzScan compares what is found with what encoding/json reads.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{`{"a":{"b":[1,{"c":2}]}}`, `{"a":{"b":[[],"\u0061"]},"":0}`, `[1,[2]]`, `{"a":1,"a":2}`, "{\"a\":\"\xff\"}", strings.Repeat("[", 600)} {
		f.Add([]byte(seed))
	}
	paths := []string{"$", "$.a", "$.a.b", "$.a.b[-1]", "$.a.b[0].c", "$[1]"}
	f.Fuzz(func(t *testing.T, doc []byte) {
		var plan tree.Plan
		for _, p := range paths {
			plan.Add(mustPath(t, p))
		}
		var s tree.Scanner
		if s.Scan(&plan, doc) != nil {
			return
		}
		var whole any
		if err := json.Unmarshal(doc, &whole); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		sameAsMaps(t, &s, whole, len(paths))
	})
}

func sameAsMaps(t *testing.T, s *tree.Scanner, whole any, slots int) {
	t.Helper()
	for i := range slots {
		if at := s.At(i); at != nil && !json.Valid(at) {
			t.Errorf("slot %d: got %q, which is not JSON", i, at)
		}
	}
	object, ok := whole.(map[string]any)
	if !ok {
		return
	}
	if _, has := object["a"]; has != (s.At(1) != nil) || s.Members() != len(object) {
		t.Errorf("got %q for a, %d members, want %v", s.At(1), s.Members(), object)
	}
}
