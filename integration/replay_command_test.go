package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/program"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// testReplayCommand: however the replay command ends, each letter is sent once and none is forgotten.
func (s *suite) testReplayCommand(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("the replay command is killed 20 times", func(t *testing.T) {
		t.Parallel()
		s.killedReplay(t, brokers)
	})
	t.Run("two operators replay the same letters", func(t *testing.T) {
		t.Parallel()
		s.twoOperators(t, brokers)
	})
}

func (s *suite) killedReplay(t *testing.T, brokers []string) {
	t.Helper()
	r := s.refusedLetters(t, brokers)
	dice := rand.New(rand.NewPCG(1, 1))
	for kills := 0; kills < 20 || kills < 100 && len(r.lettersWith(t, "replay")) == 0; kills++ {
		p := r.replay(t, "anna")
		// Each command may live a little longer than the last, because on a busy machine its plan takes a long time.
		life := time.Duration(50+dice.IntN(350+50*kills)) * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), life)
		_, _ = p.Wait(ctx) // the command may already have ended
		cancel()
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	asked := len(r.lettersWith(t, "replay"))
	v := r.replayed(t, r.replay(t, "anna"))
	t.Logf("%d letters were requeued before the kills, %d after them", asked, v.Planned)
	if asked == 0 || v.Resolved != v.Planned || v.Planned != len(r.events)-asked {
		t.Errorf("got %d letters requeued, and then %+v, want the rest resolved", asked, v)
	}
	r.calledOnce(t)
}

func (s *suite) twoOperators(t *testing.T, brokers []string) {
	t.Helper()
	r := s.refusedLetters(t, brokers)
	first, second := r.replay(t, "anna"), r.replay(t, "bob")
	anna, bob := r.replayed(t, first), r.replayed(t, second)
	if anna.Resolved+bob.Resolved != len(r.events) {
		t.Errorf("got %d letters resolved by anna and %d by bob, want %d in all", anna.Resolved, bob.Resolved, len(r.events))
	}
	t.Logf("anna resolved %d, bob %d", anna.Resolved, bob.Resolved)
	anna.changedBy(t, "bob")
	bob.changedBy(t, "anna")
	r.calledOnce(t)
}

// changedBy requires that, for each letter that another operator changed first, the summary names that operator.
func (v replaySummary) changedBy(t *testing.T, who string) {
	t.Helper()
	for _, c := range v.Changed {
		if c.By != who {
			t.Errorf("got %+v, want it to say that %s was first", c, who)
		}
	}
}

// refusedLetters returns a run with a worker and letters that LeadHit would accept now. With 100 or more letters, the
// flood guard would pause the calls.
func (s *suite) refusedLetters(t *testing.T, brokers []string) *run {
	t.Helper()
	r := s.newRun(t, brokers, 3, sandbox.Faults{})
	r.newWorker(t).start(t)
	var events []audit.Event
	for i := range 90 { // one per order, so that none overtakes another
		events = append(events, shop.NewOrders(fmt.Sprint("order-", i), 1, 41).Refused())
	}
	r.write(t, events)
	r.finish(t, time.Minute)
	r.leadhit.Change(func(f *sandbox.Faults) { f.Statuses = []string{"on-hold"} })
	return r
}

// replay starts the replay command for all open letters.
func (r *run) replay(t *testing.T, by string) *program.Program {
	t.Helper()
	p, err := program.Start(r.binary, program.Options{
		Arguments: []string{
			"replay", "--state", "open", "--reason", "LeadHit knows on-hold", "--by", by, "--rate", "10/s", "--canary", "0",
			"--yes", "-o", "json",
		},
		Settings: r.workers[0].environment(), Dir: r.emitted,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() })
	return p
}

// replaySummary is what the replay command prints when it ends.
type replaySummary struct {
	Planned, Resolved int
	Stop              string
	Changed           []struct{ By, Run string }
}

// replayed waits until a replay command has ended, and returns its summary.
func (r *run) replayed(t *testing.T, p *program.Program) (v replaySummary) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	code, err := p.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	// If another operator requeued a letter before the start, the command refuses the plan and requeues no letter.
	if code == 5 && strings.Contains(p.Stderr(), "was first with run") {
		return v
	}
	if err := json.Unmarshal([]byte(p.Stdout()), &v); err != nil || v.Stop != "" {
		t.Fatalf("got exit code %d, %s and %s, want a summary of all letters", code, p.Stdout(), p.Stderr())
	}
	return v
}

// lettersWith returns the ids of the letters for which the ledger has an entry with this event.
func (r *run) lettersWith(t *testing.T, event string) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	for _, l := range r.broker.letters(t, "dlq."+r.group+".ledger") {
		var e entry
		if err := json.Unmarshal(l.Value, &e); err != nil {
			t.Fatal(err)
		}
		if e.Event == event {
			ids[e.ID] = true
		}
	}
	return ids
}

// calledOnce requires that each letter was refused once and accepted once, and is resolved.
func (r *run) calledOnce(t *testing.T) {
	t.Helper()
	eventually(t, time.Minute, "an outcome of each letter", func() string {
		if got := len(r.lettersWith(t, "resolved")); got != len(r.events) {
			return fmt.Sprintf("%d of %d", got, len(r.events))
		}
		return ""
	})
	r.workers[0].stop(t)
	calls := map[string][]string{}
	for _, c := range r.leadhit.Calls() {
		calls[c.ID] = append(calls[c.ID], strconv.FormatBool(c.Executed))
	}
	for _, e := range r.events {
		if got := calls[e.CallID()]; !slices.Equal(got, []string{"false", "true"}) {
			t.Errorf("%s: got calls executed %q, want one refused and one accepted", e.CallID(), got)
		}
	}
}
