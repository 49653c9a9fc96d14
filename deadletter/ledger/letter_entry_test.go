package ledger_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"leadhit-sync/deadletter/ledger"
)

func replayEntry() ledger.Entry {
	return ledger.Entry{
		Event: ledger.LetterReplay, Group: "leadhit-sync", At: time.Date(2026, 11, 22, 10, 2, 11, 42e6, time.UTC),
		By: "alice@example.com", Via: "cli", Reason: "LeadHit 2.4 accepts it", ID: "orders/3/118273", N: 1, Letter: 512,
		Order: "4711", Run: "r_01JD8",
	}
}

// Other releases and people read the stored form.
func TestTheStoredFormOfAnEntryAboutALetter(t *testing.T) {
	t.Parallel()
	const head = `{"v":1,"ev":"%","at":"2026-11-22T10:02:11.042Z","by":"alice"`
	at := replayEntry().At
	for _, c := range []struct {
		entry      ledger.Entry
		key, value string
	}{
		{
			replayEntry(), "orders/3/118273",
			`{"v":1,"ev":"replay","group":"leadhit-sync","at":"2026-11-22T10:02:11.042Z","by":"alice@example.com","via":"cli",` +
				`"reason":"LeadHit 2.4 accepts it","id":"orders/3/118273","n":1,"order":"4711","letter":512,"run":"r_01JD8"}`,
		},
		{ledger.Entry{Event: ledger.LetterReplay, ID: "o/0/1#2", N: 1, Force: true}, "o/0/1#2", head + `,"id":"o/0/1#2","n":1,"letter":0,"force":true}`},
		{ledger.Entry{Event: ledger.LetterResolved, ID: "o/0/1", Note: "ignored"}, "o/0/1", head + `,"id":"o/0/1","n":0,"note":"ignored"}`},
		{ledger.Entry{Event: ledger.LetterSuperseded, ID: "o/0/1", N: 2, Newer: "o/0/5"}, "o/0/1", head + `,"id":"o/0/1","n":2,"newer":"o/0/5"}`},
		{ledger.Entry{Event: ledger.LetterFailed, ID: "o/0/1", N: 2, Cause: "LetterExpired"}, "o/0/1", head + `,"id":"o/0/1","n":2,"cause":"LetterExpired"}`},
		{ledger.Entry{Event: ledger.LetterOvertaken, ID: "o/0/1", Newer: "o/0/5"}, "o/0/1", head + `,"id":"o/0/1","n":0,"newer":"o/0/5"}`},
		{ledger.Entry{Event: ledger.LetterDismissed, ID: "o/0/1", Reason: "test order"}, "o/0/1", head + `,"reason":"test order","id":"o/0/1","n":0}`},
		{ledger.Entry{Event: ledger.LetterReopened, ID: "o/0/1", N: 1}, "o/0/1", head + `,"id":"o/0/1","n":1}`},
		{ledger.Entry{Event: ledger.LetterRevealed, ID: "o/0/1", Reason: "audit"}, "o/0/1", head + `,"reason":"audit","id":"o/0/1","n":0}`},
		{ledger.Entry{Event: ledger.RunStart, Run: "r1", Filter: "--state open", Count: 150}, "run:r1", head + `,"run":"r1","filter":"--state open","count":150}`},
		{ledger.Entry{Event: ledger.RunStop, Run: "r1", Why: "done"}, "run:r1", head + `,"run":"r1","why":"done"}`},
	} {
		e := c.entry
		if e.By == "" {
			e.At, e.By = at, "alice"
		}
		want := strings.Replace(c.value, "%", string(e.Event), 1)
		key, value, err := e.Record()
		if err != nil || string(key) != c.key || string(value) != want {
			t.Errorf("got  %s %s, %v\nwant %s %s", key, value, err, c.key, want)
		}
		if got, err := ledger.Parse(value); err != nil || !reflect.DeepEqual(got, e) || !got.For("leadhit-sync") {
			t.Errorf("read back: got %+v, %v, want %+v", got, err, e)
		}
	}
}

func TestEntriesAboutLettersAreBounded(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*ledger.Entry){
		"no id":              func(e *ledger.Entry) { e.ID = "" },
		"half an id":         func(e *ledger.Entry) { e.ID = "orders/3" },
		"no replay":          func(e *ledger.Entry) { e.N = 0 },
		"a negative number":  func(e *ledger.Entry) { e.N = -1 },
		"too many replays":   func(e *ledger.Entry) { e.N = 1<<30 + 1 },
		"a negative offset":  func(e *ledger.Entry) { e.Letter = -1 },
		"a negative count":   func(e *ledger.Entry) { e.Count = -1 },
		"a long order":       func(e *ledger.Entry) { e.Order = long(513) },
		"a long note":        func(e *ledger.Entry) { e.Note = long(257) },
		"a long newer event": func(e *ledger.Entry) { e.Newer = long(321) },
		"a long cause":       func(e *ledger.Entry) { e.Cause = long(257) },
		"a long run":         func(e *ledger.Entry) { e.Run = long(257) },
		"a long filter":      func(e *ledger.Entry) { e.Filter = long(1025) },
		"a long why":         func(e *ledger.Entry) { e.Why = long(257) },
		"an escape sequence": func(e *ledger.Entry) { e.Order = "\x1b[31m" },
		"a run without name": func(e *ledger.Entry) { e.Event, e.Run = ledger.RunStart, "" },
		"nobody":             func(e *ledger.Entry) { e.By = "" },
		"no time":            func(e *ledger.Entry) { e.At = time.Time{} },
	} {
		e := replayEntry()
		change(&e)
		if _, value, err := e.Record(); err == nil {
			t.Errorf("%s: got %s, want an error", name, value)
		}
	}
	e := replayEntry()
	e.Order = long(513)
	if _, _, err := e.Record(); !errors.Is(err, ledger.ErrTooLong) {
		t.Errorf("got %v, want ErrTooLong", err)
	}
}

func TestALetterHasOneID(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]ledger.ID{
		"orders/3/118273": {Topic: "orders", Partition: 3, Offset: 118273, Item: ledger.NoItem},
		"o.r-d_s/0/0#12":  {Topic: "o.r-d_s", Item: 12},
		"orders/2147483647/9223372036854775807": {
			Topic: "orders", Partition: math.MaxInt32, Offset: math.MaxInt64, Item: ledger.NoItem,
		},
	} {
		if got, err := ledger.ParseID(text); err != nil || got != want || got.String() != text {
			t.Errorf("%s: got %+v (%s), %v, want %+v", text, got, got, err, want)
		}
	}
	for _, text := range []string{
		"", "orders", "orders/3", "/3/1", "orders/3/1/2", "orders/-1/1", "orders/3/+1", "orders/03/1", "orders/3/1#", "orders/3/1#-1",
		"orders/3/1#x", "orders/2147483648/1", "orders/3/9223372036854775808", "orders/3/1#2147483648", long(315) + "/1/123",
	} {
		if got, err := ledger.ParseID(text); err == nil {
			t.Errorf("%q: got %+v, want an error", text, got)
		}
	}
}
