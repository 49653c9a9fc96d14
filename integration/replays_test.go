package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// entry is one entry of the ledger.
type entry struct {
	Version int    `json:"v"`
	Event   string `json:"ev"`
	ID      string `json:"id"`
	N       int    `json:"n"`
	Letter  int64  `json:"letter"`
	Run     string `json:"run,omitempty"`
	At      string `json:"at"`
	By      string `json:"by"`
	Newer   string `json:"newer,omitempty"`
	Cause   string `json:"cause,omitempty"`
}

// testReplays: an operator's entry in the ledger requests a replay, and the worker adds the outcome to the ledger.
func (s *suite) testReplays(t *testing.T, brokers []string) {
	t.Helper()
	t.Run("letters are replayed: refused again, resolved, superseded", func(t *testing.T) {
		t.Parallel()
		r := s.newRun(t, brokers, 1, sandbox.Faults{})
		w := r.newWorker(t)
		w.start(t)
		healed, newer := shop.NewOrders("healed", 1, 31), shop.NewOrders("newer", 1, 32)
		r.write(t, []audit.Event{healed.Refused(), newer.Refused(), newer.NextOf(0)})
		r.finish(t, time.Minute)
		first, second, third := r.events[0].LetterID(), r.events[1].LetterID(), r.events[2].LetterID()
		offsets := map[string]int64{}
		for i, l := range r.broker.letters(t, "dlq."+r.group) {
			offsets[l.ID] = int64(i)
		}
		r.refusedAgain(t, first, offsets[first])

		w.stop(t)
		r.leadhit.Change(func(f *sandbox.Faults) { f.Statuses = []string{"on-hold"} })
		r.appendEntries(t, entry{Event: "replay", ID: first, N: 2, Letter: 2, Run: "r_2"},
			entry{Event: "replay", ID: second, N: 1, Letter: offsets[second], Run: "r_2"})
		w.start(t)
		r.entriesSoon(t, "overtaken "+second+" 0 "+third, "replay "+first+" 1 ", "replay "+first+" 2 ",
			"replay "+second+" 1 ", "resolved "+first+" 2 ", "superseded "+second+" 1 "+third)
		w.stop(t)
		var calls []string
		for _, c := range r.leadhit.Calls() {
			if c.OrderID == healed.ID(0) {
				calls = append(calls, fmt.Sprint(c.ID, " ", c.Status, " ", c.Executed))
			}
		}
		id := r.events[0].CallID()
		if want := []string{id + " on-hold false", id + " on-hold false", id + " on-hold true"}; !slices.Equal(calls, want) {
			t.Errorf("got calls %q, want %q", calls, want)
		}
	})
}

// refusedAgain replays a letter that LeadHit still refuses. The new letter differs from the first only in the time of
// the failure, and in the headers about the replay.
func (r *run) refusedAgain(t *testing.T, id string, offset int64) {
	t.Helper()
	r.appendEntries(t, entry{Event: "replay", ID: id, N: 1, Letter: offset, Run: "r_1"})
	var all []audit.Letter
	eventually(t, time.Minute, "a letter that is refused again", func() string {
		if all = r.broker.letters(t, "dlq."+r.group); len(all) != 3 {
			return fmt.Sprintf("%d letters", len(all))
		}
		return ""
	})
	was, is := all[offset], all[2]
	for _, h := range was.Headers {
		switch got := header(is, h.Key); {
		case h.Key == "dlq.failed.at", h.Key == "dlq.replay.count":
		case got != string(h.Value):
			t.Errorf("%s of the letter of a replay: got %q, want %q as in the first", h.Key, got, h.Value)
		}
	}
	if !bytes.Equal(is.Key, was.Key) || !bytes.Equal(is.Value, was.Value) {
		t.Errorf("got the event %q: %q, want %q: %q", is.Key, is.Value, was.Key, was.Value)
	}
	if count, run := header(is, "dlq.replay.count"), header(is, "dlq.replay.run"); count != "1" || run != "r_1" {
		t.Errorf("got replay %s of the run %q, want 1 of r_1", count, run)
	}
}

func header(l audit.Letter, name string) string {
	for _, h := range slices.Backward(l.Headers) {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// appendEntries appends entries to the ledger as an operator's command does.
func (r *run) appendEntries(t *testing.T, entries ...entry) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(r.broker.addrs...), kgo.DefaultProduceTopic("dlq."+r.group+".ledger"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, e := range entries {
		e.Version, e.By, e.At = 1, "alice", time.Now().UTC().Format(time.RFC3339Nano)
		value, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(t.Context(), &kgo.Record{Key: []byte(e.ID), Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// entriesSoon waits until the ledger has exactly the given entries, in any order. want must be sorted.
func (r *run) entriesSoon(t *testing.T, want ...string) {
	t.Helper()
	eventually(t, time.Minute, "entries of the ledger", func() string {
		if why := r.died(); why != "" {
			t.Fatal(why)
		}
		var got []string
		for _, l := range r.broker.letters(t, "dlq."+r.group+".ledger") {
			var e entry
			if err := json.Unmarshal(l.Value, &e); err != nil {
				return err.Error()
			}
			got = append(got, fmt.Sprintf("%s %s %d %s%s", e.Event, e.ID, e.N, e.Newer, e.Cause))
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			return fmt.Sprintf("got %q, want %q", got, want)
		}
		return ""
	})
}
