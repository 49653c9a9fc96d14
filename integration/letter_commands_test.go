package integration_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// testLetterCommands: an operator looks at letters, dismisses one and reopens it.
func (s *suite) testLetterCommands(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("letters are grouped, listed, shown, dismissed, reopened and checked", func(t *testing.T) {
		t.Parallel()
		r := s.newRun(t, brokers, 1, sandbox.Faults{})
		w := r.newWorker(t)
		w.start(t)
		orders := shop.NewOrders("closed", 2, 41)
		r.write(t, []audit.Event{orders.Refused(), orders.Refused(), orders.Refused()})
		r.finish(t, time.Minute)
		w.stop(t)
		first := r.events[0].LetterID()

		var groups struct {
			Schema string
			Causes []struct{ Letters int }
		}
		r.commandJSON(t, &groups, "letters", "groups", "-o", "json")
		letters := 0
		for _, c := range groups.Causes {
			letters += c.Letters
		}
		if groups.Schema != "causes.v1" || letters != 3 {
			t.Errorf("got %+v, want causes of 3 letters", groups)
		}
		r.countNames(t, 3, "letters", "list")
		r.operate(t, "dismissed 1 letter", "letters", "dismiss", first, "--yes")
		r.countNames(t, 2, "letters", "list")
		r.countNames(t, 1, "letters", "list", "--state", "dismissed")
		r.operate(t, "dismissed by alice at ", "letters", "show", first, "--history")
		r.operate(t, "2 letters are open", "letters", "check", "--max-open", "2")
		r.operate(t, "reopened 1 letter", "letters", "reopen", first)
		r.countNames(t, 3, "letters", "list")
	})
}

// operate runs a command as alice, and requires that its output contains the given text.
func (r *run) operate(t *testing.T, want string, arguments ...string) {
	t.Helper()
	if arguments[1] != "check" {
		arguments = append(arguments, "--by", "alice", "--reason", "a test")
	}
	if got := r.command(t, arguments...); !strings.Contains(got, want) {
		t.Errorf("got\n%s\nof %q, want %q", got, arguments, want)
	}
}

func (r *run) countNames(t *testing.T, want int, arguments ...string) {
	t.Helper()
	if got := strings.Fields(r.command(t, append(arguments, "-o", "name")...)); len(got) != want {
		t.Errorf("got %q for %q, want %d letters", got, arguments, want)
	}
}

func (r *run) commandJSON(t *testing.T, into any, arguments ...string) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.command(t, arguments...)), into); err != nil {
		t.Fatal(err)
	}
}
