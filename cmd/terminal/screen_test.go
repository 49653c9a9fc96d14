package terminal_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"leadhit-sync/cmd/terminal"
)

// emulator executes the few escape sequences that a screen may use, as a terminal of its size does.
type emulator struct {
	width, height int
	rows          [][]rune
	row, column   int
	hidden        bool
	noWrap        bool
	odd           []string // sequences that the emulator does not know
}

func newEmulator(width, height int) *emulator {
	t := &emulator{width: width, height: height}
	t.erase()
	return t
}

func (t *emulator) erase() {
	t.rows = nil
	for range t.height {
		t.rows = append(t.rows, []rune(strings.Repeat(" ", t.width)))
	}
}

func (t *emulator) Write(text []byte) (int, error) {
	for _, token := range regexp.MustCompile(`\x1b\[[?\d;]*[A-Za-z]|(?s:.)`).FindAllString(string(text), -1) {
		t.obey(token)
	}
	return len(text), nil
}

func (t *emulator) obey(token string) {
	number, _ := strconv.Atoi(strings.Trim(token, "\x1b[AKJHmlh?"))
	switch {
	case token == "\r":
		t.column = 0
	case token == "\n":
		if t.row++; t.row == t.height {
			t.row--
			t.rows = append(t.rows[1:], []rune(strings.Repeat(" ", t.width)))
		}
	case token == "\x1b[?7l", token == "\x1b[?7h":
		t.noWrap = token == "\x1b[?7l"
	case token == "\x1b[?25l", token == "\x1b[?25h":
		t.hidden = token == "\x1b[?25l"
	case token == "\x1b[2J":
		t.erase()
	case token == "\x1b[H":
		t.row, t.column = 0, 0
	case token == "\x1b[K", token == "\x1b[J":
		copy(t.rows[t.row][t.column:], []rune(strings.Repeat(" ", t.width)))
		for i := t.row + 1; i < t.height && token == "\x1b[J"; i++ {
			t.rows[i] = []rune(strings.Repeat(" ", t.width))
		}
	case strings.HasPrefix(token, "\x1b") && strings.HasSuffix(token, "A"):
		t.row -= number
	case strings.HasPrefix(token, "\x1b") && strings.HasSuffix(token, "m"):
	case strings.HasPrefix(token, "\x1b"), t.column >= t.width, t.row < 0:
		t.odd = append(t.odd, token)
	default:
		t.rows[t.row][t.column] = []rune(token)[0]
		t.column++
	}
}

func (t *emulator) text() string {
	var lines []string
	for _, row := range t.rows {
		lines = append(lines, strings.TrimRight(string(row), " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// screen returns a screen on the emulator.
func (t *emulator) screen() *terminal.Screen {
	return &terminal.Screen{Out: t, Size: func() (columns, rows int) { return t.width, t.height }}
}

func TestAScreenDrawsOverItsLastFrameAndNothingElse(t *testing.T) {
	t.Parallel()
	for height, want := range map[int]string{10: "$ demo\nstate\nb", 4: "state\nb"} {
		tty := newEmulator(20, height)
		s := tty.screen()
		_, _ = tty.Write([]byte("$ demo\r\n"))
		s.Draw([]string{"a longer line", "second", "third"})
		s.Draw([]string{"state", "b"})
		if got := tty.text(); got != want {
			t.Errorf("%d rows: got\n%s\nwant\n%s", height, got, want)
		}
		if tty.hidden || tty.noWrap || tty.column != 0 || len(tty.odd) > 0 {
			t.Errorf("got hidden %v, no wrapping %v, column %d and unknown sequences %q, want none", tty.hidden, tty.noWrap,
				tty.column, tty.odd)
		}
	}
}

func TestAScreenFollowsTheWindow(t *testing.T) {
	t.Parallel()
	tty := newEmulator(20, 6)
	s := tty.screen()
	s.Draw([]string{"one", "two", "three"})
	tty.width, tty.height = 15, 4
	tty.erase() // a terminal may do anything to the old frame and the cursor
	copy(tty.rows[3], []rune("folded"))
	tty.row, tty.column = 3, 7
	s.Draw([]string{"one", "two", "three", "four"})
	if got, want := tty.text(), "one\ntwo\nthree"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAFrameIsOneWriteThatClearsOnlyTheRestOfEachLine(t *testing.T) {
	t.Parallel()
	var writes []string
	s := terminal.Screen{
		Size: func() (columns, rows int) { return 80, 24 },
		Out:  writer(func(b []byte) { writes = append(writes, string(b)) }),
	}
	s.Draw([]string{"state", "second"})
	s.Draw([]string{"state"})
	want := "\x1b[?25l\x1b[?7l\x1b[2A\r" + "state\x1b[K\r\n" + "\x1b[J\x1b[?7h\x1b[?25h"
	if len(writes) != 2 || writes[1] != want {
		t.Errorf("got %q, want %q second", writes, want)
	}
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) {
	w(b)
	return len(b), nil
}
