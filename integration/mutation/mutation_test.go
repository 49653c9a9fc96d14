package mutation_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"leadhit-sync/integration/mutation"
)

const sources = `package shop

import "strings"

const (
	most = 3
	more = 2 * 4
)

const least = 1 + more/8

var table = [most]int{}

// A cart of goods.
type cart[T any] struct{ goods []T }

func (c *cart[T]) add(first T, _ bool, others ...T) (n int, ok bool) {
	c.goods = append(append(c.goods, first), others...)
	return len(c.goods), true
}

func (cart[T]) String() string { return strings.ToUpper("cart") }

func full(int) bool { return more > 7 }

func empty() {}
`

const tests = `package shop

import "testing"

func TestAdd(t *testing.T) {
	c := cart[string]{}
	if n, ok := c.add("a", true, "b", "c"); n != 3 || !ok {
		t.Errorf("got %d, want 3", n)
	}
}

func TestText(t *testing.T) {
	empty()
	if got := (cart[int]{}).String(); got != "CART" {
		t.Errorf("got %s, want CART", got)
	}
}

func TestFull(t *testing.T) {
	if !full(0) || len(table) != 3 || least != 2 {
		t.Error("got false, want true")
	}
}
`

// shop writes a module, and returns its folder and its source file.
func shop(t *testing.T) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module shop\n\ngo 1.26\n", "cart.go": sources, "cart_test.go": tests, "broken_test.go": "package shop; no Go",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, filepath.Join(dir, "cart.go")
}

// One binary has all kinds of edits that can be switched. Each mutant except "equal" is killed by its own test, and
// survives the others.
func TestEachMutantIsKilledByItsTestAlone(t *testing.T) {
	t.Parallel()
	dir, file := shop(t)
	killers := map[string]string{
		"method": "TestAdd", "same method": "TestAdd", "new function": "TestAdd", "new import": "TestText",
		"function": "TestFull", "several": "TestText",
	}
	mutants := map[string][]mutation.Edit{
		"method":      {{file, "append(c.goods, first)", "c.goods"}},
		"same method": {{file, "return len(c.goods), true", "return len(c.goods), false"}},
		"new function": {
			{file, "return len(c.goods), true", "return c.count(), true"},
			{file, "func empty", "func (c *cart[T]) count() int { return 0 }\n\nfunc empty"},
		},
		"new import": {
			{file, `import "strings"`, "import (\n\t\"strings\"\n\t\"unicode\"\n)"},
			{file, `strings.ToUpper("cart")`, "string(unicode.ToUpper('c')) + strings.Repeat(\"-\", 3)"},
		},
		"function": {{file, "more > 7", "more > 8"}},
		"several":  {{file, `ToUpper("cart")`, `ToUpper("car")`}, {file, `ToUpper("car")`, `ToLower("CAR")`}},
		"equal":    {{file, "more > 7", "7 < more"}},
	}
	binary, err := mutation.Build(t, dir, mutants, "broken_test.go")
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"TestAdd", "TestText", "TestFull"}
	if err := binary.Unchanged(t.Context(), all); err != nil {
		t.Error(err)
	}
	binary.Each(t, func(t *testing.T, mutant string) {
		t.Helper()
		for _, test := range all {
			out, err := binary.Hunt(t.Context(), mutant, test)
			switch {
			case test == killers[mutant] && (err != nil || !strings.Contains(out, "want")):
				t.Errorf("%s: got %v and %q, want it to fail", test, err, out)
			case test != killers[mutant] && !errors.Is(err, mutation.ErrSurvived):
				t.Errorf("%s: got %v, want %v", test, err, mutation.ErrSurvived)
			}
		}
	})
}

func TestAChangedConstantReachesTheFunctionsThatNameIt(t *testing.T) {
	t.Parallel()
	dir, file := shop(t)
	// The original's "least" and "table" depend on constants, and so would not follow the change.
	text := strings.Replace(strings.Replace(sources, "more/8", "1", 1), "[most]", "[3]", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	binary, err := mutation.Build(t, dir, map[string][]mutation.Edit{"constant": {{file, "2 * 4", "2 * 3"}}}, "broken_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := binary.Hunt(t.Context(), "constant", "TestFull"); err != nil {
		t.Error(err)
	}
	if err := binary.Unchanged(t.Context(), []string{"TestFull"}); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeSwitchedIsRefused(t *testing.T) {
	t.Parallel()
	dir, file := shop(t)
	for _, c := range []struct {
		name, want string
		edit       mutation.Edit
	}{
		{"text that does not occur", "occurs 0 times", mutation.Edit{file, "more > 9", "more > 8"}},
		{"text that occurs twice", "occurs 2 times", mutation.Edit{file, "strings", "bytes"}},
		{"a type", "only functions", mutation.Edit{file, "goods []T", "goods []any"}},
		{"a variable", "only functions", mutation.Edit{file, "[most]int{}", "[most]int{1}"}},
		{"a signature", "another signature", mutation.Edit{file, "full(int)", "full(int8)"}},
		{"a new constant", "constant", mutation.Edit{file, "most = 3", "most = 3\n\tother = 4"}},
		{"a removed function", "was removed", mutation.Edit{file, "func empty() {}", ""}},
		{"a constant that a variable needs", "a variable depends", mutation.Edit{file, "most = 3", "most = 4"}},
		{"a constant that another needs", "least depends", mutation.Edit{file, "2 * 4", "2 * 5"}},
		{"a comment", "no code", mutation.Edit{file, "A cart", "The cart"}},
		{"text that is not Go", "expected", mutation.Edit{file, "func empty() {}", "func empty() {"}},
		{"a name that is missing", "mutant of cart.go:24: undefined: what", mutation.Edit{file, "more > 7", "what > 7"}},
		{"another file", "not a source file", mutation.Edit{filepath.Join(dir, "cart_test.go"), "TestAdd", "TestSub"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := mutation.Build(t, dir, map[string][]mutation.Edit{"mutant": {c.edit}}, "broken_test.go")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to say %q", err, c.want)
			}
		})
	}
}

// A test that fails without any mutant would kill all of them.
func TestATestThatFailsUnchangedOrDoesNotRunProvesNothing(t *testing.T) {
	t.Parallel()
	dir, file := shop(t)
	text := strings.Replace(sources, "2 * 4", "2 * 3", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	binary, err := mutation.Build(t, dir, map[string][]mutation.Edit{"mutant": {{file, "more > 7", "more > 8"}}}, "broken_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"TestFull", "TestOfAnotherName"} {
		if err := binary.Unchanged(t.Context(), []string{name}); err == nil {
			t.Errorf("%s: got no error, want one", name)
		}
	}
	if _, err := binary.Hunt(t.Context(), "mutant", "TestOfAnotherName"); err == nil {
		t.Error("got a kill by a test that does not run, want an error")
	}
	if _, err := binary.Hunt(t.Context(), "another mutant", "TestFull"); err == nil {
		t.Error("got a kill of a mutant that does not exist, want an error")
	}
}
