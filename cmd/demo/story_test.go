package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"leadhit-sync/leadhit/sandbox"
)

func TestChapters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		length, each time.Duration
		count        int
	}{
		{10 * time.Second, 10 * time.Second, 1},
		{30 * time.Second, 30 * time.Second, 1},
		{80 * time.Second, 80 * time.Second, 1},
		{100 * time.Second, 50 * time.Second, 2},
		{time.Hour, time.Minute, 60},
		{0, time.Minute, 0},
	} {
		each, count := chapters(c.length)
		if each != c.each || count != c.count {
			t.Errorf("%v: got %d of %v, want %d of %v", c.length, count, each, c.count, c.each)
		}
	}
}

func TestTheScenesFitTheShortestDemo(t *testing.T) {
	t.Parallel()
	all := scenes(200)
	handed := 0.0
	for i, s := range all {
		next := 1.0
		if i+1 < len(all) {
			next = all[i+1].at
		}
		// The worker reads the key's file once a second, and a call may take another second.
		lasts := time.Duration((next - s.at) * float64(shortest))
		if s.key != keyStays && lasts < 1300*time.Millisecond {
			t.Errorf("%q: got %v, want 1.3 s or more", s.text, lasts)
		}
		if lasts < 500*time.Millisecond {
			t.Errorf("%q: got %v, want half a second or more", s.text, lasts)
		}
		if s.key == keyIsHanded {
			handed = s.at
		}
		if rest := 80 - 2 - labelWidth - 2 - 6; utf8.RuneCountInString(s.text) > rest {
			t.Errorf("%q: got %d columns, want at most %d: a line of a common terminal", s.text, utf8.RuneCountInString(s.text),
				rest)
		}
	}
	if all[0].at != 0 || handed == 0 {
		t.Errorf("got the first scene at %v and the new key at %v, want them at 0 and later", all[0].at, handed)
	}
}

// stage returns a story with its own LeadHit look-alike. It can be used in a synctest bubble.
func stage(t *testing.T, length time.Duration) *story {
	t.Helper()
	leadhit := sandbox.New(sandbox.Options{})
	s := &story{
		length: length, orders: 20, leadhit: leadhit, begun: time.Now(), learns: make(chan struct{}),
		keys: &keys{file: filepath.Join(t.TempDir(), "api-key"), leadhit: leadhit},
	}
	s.keys.rotate()
	if err := s.keys.hand(); err != nil {
		t.Fatal(err)
	}
	return s
}

// call makes a call with the key in the file and returns the HTTP status.
func (s *story) call(t *testing.T) int {
	t.Helper()
	return s.answer(t, "paid").Code
}

// answer makes a call with the key in the file and the given status, and returns the response.
func (s *story) answer(t *testing.T, status string) *httptest.ResponseRecorder {
	t.Helper()
	key, err := os.ReadFile(s.keys.file)
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/",
		strings.NewReader(`{"jsonrpc":"2.0","id":"1","method":"set_order_status","params":{"order_id":"1","status":"`+status+`"}}`))
	request.Header.Set("API-KEY", strings.TrimSpace(string(key)))
	answer := httptest.NewRecorder()
	s.leadhit.ServeHTTP(answer, request)
	return answer
}

func TestTheStoryIsScaledToItsLength(t *testing.T) {
	t.Parallel()
	for _, length := range []time.Duration{10 * time.Second, 30 * time.Second, 3 * time.Minute} {
		t.Run(length.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := stage(t, length)
				if err := s.play(t.Context()); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(s.begun); took != length {
					t.Errorf("got %v, want %v", took, length)
				}
				checkBeats(t, s)
			})
		})
	}
}

func checkBeats(t *testing.T, s *story) {
	t.Helper()
	each, count := chapters(s.length)
	told := s.beats()
	for chapter := range count {
		for _, sc := range scenes(s.orders) {
			if sc.learns != "" && chapter > 0 {
				continue
			}
			if len(told) == 0 {
				t.Fatalf("got no line %q in chapter %d", sc.text, chapter)
			}
			at := each*time.Duration(chapter) + time.Duration(sc.at*float64(each))
			if b := told[0]; b.at != at || b.text != sc.text {
				t.Errorf("got %v %q, want %v %q", b.at, b.text, at, sc.text)
			}
			told = told[1:]
		}
	}
	if len(told) > 0 {
		t.Errorf("got %d more lines, want none", len(told))
	}
}

func TestTheKeyIsRejectedUntilTheWorkerHasIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := stage(t, 50*time.Second)
		ended := make(chan error)
		go func() { ended <- s.play(t.Context()) }()
		for _, c := range []struct {
			at   time.Duration
			want int
		}{{time.Second, 200}, {29 * time.Second, 403}, {34 * time.Second, 403}, {36 * time.Second, 200}} {
			until(t.Context(), s.begun.Add(c.at))
			if got := s.call(t); got != c.want {
				t.Errorf("at %v: got %d, want %d", c.at, got, c.want)
			}
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestLeadHitKeepsTheStatusThatItHasLearned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := stage(t, 2*chapterLength)
		ended := make(chan error)
		go func() { ended <- s.play(t.Context()) }()
		refused := func() bool { return strings.Contains(s.answer(t, learnedStatus).Body.String(), "ValidationError") }
		until(t.Context(), s.begun.Add(time.Second))
		if !refused() {
			t.Error("got the status accepted at first, want it refused")
		}
		<-s.learns
		for range 2 {
			if refused() {
				t.Errorf("got the status refused at %v, want it accepted", time.Since(s.begun))
			}
			until(t.Context(), s.begun.Add(chapterLength+time.Second))
		}
		if err := <-ended; err != nil || refused() {
			t.Errorf("got %v, and the status refused: %v, at the end", err, refused())
		}
	})
}

func TestAnEndAtAnyMomentEndsAllFaults(t *testing.T) {
	t.Parallel()
	for at := time.Second / 2; at < shortest; at += time.Second {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { checkEnd(t, at) })
		})
	}
}

func checkEnd(t *testing.T, at time.Duration) {
	t.Helper()
	s := stage(t, shortest)
	ctx, cancel := context.WithTimeout(t.Context(), at)
	defer cancel()
	if err := s.play(ctx); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(s.begun); took != at {
		t.Errorf("got an end at %v, want %v", took, at)
	}
	for range 50 {
		if got := s.call(t); got != 200 {
			t.Fatalf("got %d, want 200", got)
		}
	}
}
