package terminal_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"leadhit-sync/cmd/terminal"
)

func TestAPageLinesUpEachTableByItself(t *testing.T) {
	t.Parallel()
	var p terminal.Page
	p.Row("NAME", "N", "WHY")
	p.Row("заказ", "1", "a long last cell moves nobody")
	p.Row("b", "", "")
	p.Line("")
	p.Row("x", "y, long and last")
	p.Row("z", "1", "2")
	p.Line("%d lines", 2)
	p.Row("last")
	var out strings.Builder
	if err := p.Print(&out); err != nil {
		t.Fatal(err)
	}
	want := "NAME   N  WHY\nзаказ  1  a long last cell moves nobody\nb\n\nx  y, long and last\nz  1  2\n2 lines\nlast\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	if err := p.Print(full{}); !errors.Is(err, errFull) {
		t.Errorf("got %v from a disk that is full, want its error", err)
	}
}

func TestAnEmptyPageWritesNothing(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := new(terminal.Page).Print(&out); err != nil || out.String() != "" {
		t.Errorf("got %q, %v, want nothing", out.String(), err)
	}
}

var errFull = errors.New("no space left")

// full is a writer that fails as if the disk were full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestAPageWrapsLinesAndLastCells(t *testing.T) {
	t.Parallel()
	var p terminal.Page
	p.Line("an order is refused because its status is unknown")
	p.Row("orders", "7", "their statuses are unknown to LeadHit")
	p.Row("warn", "", "short")
	p.Note("a note that is longer than the page is wide")
	want := []string{
		"an order is refused because its",
		"status is unknown",
		"orders  7  their statuses are",
		"           unknown to LeadHit",
		"warn       short",
		"a note that is longer than the …",
	}
	if got := p.Lines(32); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestColumnsShrinkToTheTerminal(t *testing.T) {
	t.Parallel()
	var p terminal.Page
	p.Columns(terminal.Whole, terminal.Text, terminal.Place)
	p.Row("ORDER", "STATUS", "EVENT")
	p.Note("all of them:")
	p.Row("4711", "waiting-for-payment", "shop.orders/3/118273")
	p.Row("注文-1", "paid", "orders/0/1")
	for width, want := range map[int][]string{
		0: {
			"ORDER   STATUS               EVENT", "all of them:", "4711    waiting-for-payment  shop.orders/3/118273",
			"注文-1  paid                 orders/0/1",
		},
		40: {
			"ORDER   STATUS           EVENT", "all of them:", "4711    waiting-for-pa…  …rders/3/118273",
			"注文-1  paid             orders/0/1",
		},
		20: {"ORDER   STATUS  EVENT", "all of them:", "4711    waiti…  …/3/118273", "注文-1  paid    orders/0/1"}, // ids are kept
	} {
		if got := p.Lines(width); !slices.Equal(got, want) {
			t.Errorf("width %d: got\n%s\nwant\n%s", width, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestShortTextsShrinkLastAndIDsNever(t *testing.T) {
	t.Parallel()
	var p terminal.Page
	p.Columns(terminal.Whole, terminal.Short, terminal.Text)
	p.Row("ID", "FAILED", "MESSAGE")
	p.Row(strings.Repeat("1", 30), "11-22 09:14", "why it failed")
	for width, want := range map[int]string{
		60: "  11-22 09:14  why it failed", 55: "  11-22 09:14  why it fa…", 50: "  11-22 09:…  why i…", 34: "  1…",
		10: "  …",
	} {
		if got, want := p.Lines(width)[1], strings.Repeat("1", 30)+want; got != want {
			t.Errorf("width %d: got %q, want %q", width, got, want)
		}
	}
}
