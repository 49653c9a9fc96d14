package terminal_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leadhit-sync/cmd/terminal"
)

// output may be written by one goroutine while another reads it.
type output struct {
	mu  sync.Mutex
	out strings.Builder
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.out.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.out.String()
}

func TestANoticeIsWrittenAfterTwoSecondsWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out output
		n := terminal.StartNotice(&out, "waiting")
		for range 5 {
			time.Sleep(terminal.Silence - time.Millisecond)
			n.Answered()
		}
		if synctest.Wait(); out.String() != "" {
			t.Errorf("got %q although responses came", out.String())
		}
		time.Sleep(10 * terminal.Silence)
		n.Answered()
		time.Sleep(10 * terminal.Silence)
		if synctest.Wait(); out.String() != "waiting\n" {
			t.Errorf("got %q, want one line", out.String())
		}
		n.Stop()

		n = terminal.StartNotice(&out, "waiting again")
		n.Stop()
		n.Answered()
		time.Sleep(10 * terminal.Silence)
		if synctest.Wait(); out.String() != "waiting\n" {
			t.Errorf("got %q, want nothing after Stop", out.String())
		}
	})
}

func TestTheProgressBarIsDrawnOnATerminalAndRemoved(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := terminal.ProgressOn(&out)
	p.Draw("25%")
	p.Draw("26%") // too soon
	p.End()
	if got, want := out.String(), "\r\x1b[K25%\r\x1b[K"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	none := terminal.NewProgress(&out)
	none.Draw("1%")
	none.End()
	if none != nil {
		t.Error("got a progress bar without a terminal")
	}
}
