package main

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

func Example_spark() {
	fmt.Println(spark([]float64{0, 1, 30, 60, 60, 200, 120, 0}, 8))
	fmt.Println(spark([]float64{0, 1, 30, 60, 60, 200, 120, 0}, 3))
	// Output:
	// ▁▂▃▄▄█▆▁
	// █▆▁
}

func Example_wrap() {
	for _, text := range wrap("calls pause, no dead letters", 16) {
		fmt.Println(text)
	}
	// Output:
	// calls pause, no
	// dead letters
}

func Example_summarise() {
	e := goodEvidence()
	_ = summarise(os.Stdout, e, judge(e), 80, colourless)
	// Output:
	//   shop      4 events of 2 orders in 12.0 s (seed 7)
	//   LeadHit   5 calls: 3 accepted, 1 refused, 1 lost after execution
	//   worker    1 retries; 1 repeated what LeadHit had done, its answer being lost
	//             or wrong
	//   Kafka     committed = log end in 2 of 2 partitions
	//
	//   ✓ lost 0 · out of order 0 · letters 1 = refused 1
}

func TestSpark(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		values  []float64
		columns int
		want    string
	}{
		"nothing yet":              {nil, 10, ""},
		"nothing but zeros":        {[]float64{0, 0, 0}, 10, "▁▁▁"},
		"the most is a full bar":   {[]float64{7}, 10, "█"},
		"a little is not nothing":  {[]float64{0.001, 1000}, 10, "▂█"},
		"only the last ones shown": {[]float64{9000, 0, 5}, 2, "▁█"},
		"no room":                  {[]float64{1}, 0, ""},
		"less than no room":        {[]float64{1}, -3, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := spark(c.values, c.columns); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestCutKeepsTheWidth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"order", 5, "order"},
		{"orders", 5, "orde…"},
		{"заказ №1", 6, "заказ…"},
		{"order", 1, "…"},
		{"order", 0, ""},
		{"order", -1, ""},
		{"", 0, ""},
	} {
		if got := cut(c.text, c.width); got != c.want {
			t.Errorf("cut(%q, %d): got %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

func TestWrapLosesNoWord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"one two three", 13, []string{"one two three"}},
		{"one two three", 12, []string{"one two", "three"}},
		{"  one   two ", 3, []string{"one", "two"}},
		{"incomprehensible", 6, []string{"incom…"}},
	} {
		if got := wrap(c.text, c.width); !slices.Equal(got, c.want) {
			t.Errorf("wrap(%q, %d): got %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

func TestALineIsCutAcrossItsSpans(t *testing.T) {
	t.Parallel()
	l := line{{dim, "calls"}, {normal, " "}, {bold, "12345"}}
	for _, c := range []struct {
		width int
		ink   ink
		want  string
	}{
		{20, colourless, "calls 12345"},
		{8, colourless, "calls 1…"},
		{5, colourless, "calls"},
		{6, ansi, "\x1b[2mcalls\x1b[0m"}, // not followed by an empty style
		{20, ansi, "\x1b[2mcalls\x1b[0m \x1b[1m12345\x1b[0m"},
	} {
		if got := l.render(c.width, c.ink); got != c.want {
			t.Errorf("width %d: got %q, want %q", c.width, got, c.want)
		}
	}
}

func TestATerminalObeysNoText(t *testing.T) {
	t.Parallel()
	if got, want := printable("paid\x1b[2J\r\n\u009b31m"), "paid [2J   31m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0:00", 9900 * time.Millisecond: "0:09", 75 * time.Second: "1:15", time.Hour + 61*time.Second: "1:01:01",
	} {
		if got := clock(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
