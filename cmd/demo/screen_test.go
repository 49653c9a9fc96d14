package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
)

// middle returns a view from the middle of the story.
func middle() view {
	letter := func(offset int64, order, status string) deadletter.Letter {
		return deadletter.Letter{
			Record: event.Record{Place: event.Place{Topic: "orders", Partition: 3, Offset: offset}}, Item: deadletter.NoItem,
			OrderID: order, Status: status, Cause: "ValidationError", Message: "Possible statuses: paid, submitted",
		}
	}
	return view{
		elapsed: 17300 * time.Millisecond, length: 30 * time.Second, state: "paused: unauthorised",
		since:  2300 * time.Millisecond,
		events: 1037, unfinished: 138, calls: 1141, retries: 121, letters: 27, inFlight: 1, limit: 16, waiting: 3,
		oldest: 4250 * time.Millisecond, perSecond: 12, rates: []float64{60, 62, 58, 90, 88, 60, 30, 0, 0, 0},
		beats: []beat{
			{1, 0, "no faults: LeadHit responds in about 0.1 s"},
			{2, 4 * time.Second, "a third of all calls get a 503: the worker slows down"},
			{3, 15 * time.Second, "LeadHit rejects our key (403): calls pause, no dead letters"},
		},
		lastLetters: []deadletter.Letter{letter(40, "W-104007", "cancelled"), letter(171, "W-104112", "on-hold")},
		log: []logLine{{
			1, time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC), slog.LevelError,
			"calls paused: LeadHit rejects the API key; correct the key's file reason=unauthorised",
		}},
		address: "127.0.0.1:40123", desk: "127.0.0.1:40124", exports: "/tmp/leadhit-sync-demo-3141592653/exports",
	}
}

// TestTheFrame compares frames with the files in testdata; UPDATE=1 writes the files.
func TestTheFrame(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]struct{ width, height int }{
		"frame80.txt": {80, 23}, "frame50.txt": {50, 23}, "frame80low.txt": {80, 15},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := frameText(middle(), size.width, size.height) + "\n"
			if want := golden(t, name, text); text != want {
				t.Errorf("got\n%s\nwant\n%s", text, want)
			}
		})
	}
}

// golden returns the content of a file in testdata. If UPDATE is set, it first writes got to the file.
func golden(t *testing.T, name, got string) string {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(want)
}

func TestAFrameKeepsItsSize(t *testing.T) {
	t.Parallel()
	for width := narrowest; width <= widest; width++ {
		for height := lowest - 1; height <= 40; height++ {
			checkSize(t, width, height)
		}
	}
}

func checkSize(t *testing.T, width, height int) {
	t.Helper()
	lines := frame(middle(), width, height)
	if len(lines) > height {
		t.Errorf("%d × %d: got %d lines", width, height, len(lines))
	}
	if first := frame(view{state: "running"}, width, height); len(first) != len(lines) {
		t.Errorf("%d × %d: got %d lines at first and %d later, want the same", width, height, len(first), len(lines))
	}
	for _, l := range lines {
		if got := terminal.Width(l.render(width-1, colourless)); got >= width {
			t.Errorf("%d × %d: got a line of %d columns", width, height, got)
		}
	}
}

func frameText(v view, width, height int) string {
	var lines []string
	for _, l := range frame(v, width, height) {
		lines = append(lines, l.render(width-1, colourless))
	}
	return strings.Join(lines, "\n")
}

// screenOn returns a screen of the given size. The builder contains the screen's last frame.
func screenOn(out *strings.Builder, width, height int) *screen {
	size := func() (int, int) { return width, height }
	return &screen{Screen: terminal.Screen{Out: onlyLast{out}, Size: size}, ink: colourless}
}

// onlyLast keeps only the last write.
type onlyLast struct{ *strings.Builder }

func (o onlyLast) Write(b []byte) (int, error) {
	o.Reset()
	return o.Builder.Write(b)
}

func TestAScreenShowsTheWholeFrame(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := screenOn(&out, 80, 24)
	s.paint(middle())
	s.finish(middle())
	for want := range strings.SplitSeq(frameText(middle(), 80, 23), "\n") {
		if !strings.Contains(out.String(), want+"\x1b[K\r\n") {
			t.Errorf("got\n%s\nwant %q in it", out.String(), want)
		}
	}
}

func TestTheLastLogLineStays(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := screenOn(&out, 80, 24)
	s.paint(middle())
	later := middle()
	later.log = nil
	s.paint(later)
	if got := out.String(); !strings.Contains(got, "ERROR  calls paused") {
		t.Errorf("got\n%s\nwant the error in it", got)
	}
}

func TestPlainLines(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := &plain{out: &out}
	v := middle()
	v.log = append(v.log, logLine{number: 2, level: slog.LevelInfo, text: "joined the group"})
	p.paint(v)
	v.log, v.elapsed = nil, v.elapsed+lookEvery // still in the same second
	p.paint(v)
	v.elapsed += time.Second
	v.beats = append(v.beats, beat{4, 18 * time.Second, "a new key"})
	p.finish(v)
	want := `  0:17  desk at http://127.0.0.1:40124
  0:17  look at http://127.0.0.1:40123/readyz  /metrics  /status
  0:00  story: no faults: LeadHit responds in about 0.1 s
  0:04  story: a third of all calls get a 503: the worker slows down
  0:15  story: LeadHit rejects our key (403): calls pause, no dead letters
  0:17  log: ERROR calls paused: LeadHit rejects the API key; correct the key's file reason=unauthorised
  0:17  paused: unauthorised · events 1037 · calls 1141 (12/s) · in flight 1 · waiting 3 · retries 121 · letters 27 · unfinished 138 · oldest 4.2 s
  0:18  story: a new key
  0:18  paused: unauthorised · events 1037 · calls 1141 (12/s) · in flight 1 · waiting 3 · retries 121 · letters 27 · unfinished 138 · oldest 4.2 s
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
