package ledger_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"leadhit-sync/deadletter/ledger"
)

func flood() ledger.Entry {
	return ledger.Entry{
		Event: ledger.GuardPause, At: time.Date(2026, 11, 22, 10, 2, 11, 42e6, time.UTC), By: "shop-1/4242", Via: "worker",
		Reason: "100 of the last 200 items were dead letters, of 100 orders", Build: "1.9.0/9f2c41d07ab3",
		Fingerprints: []string{"v1:9f2c41d07ab3", "v1:000000000001"},
	}
}

func ExampleEntry_Record() {
	key, value, err := ledger.Entry{
		Event: ledger.GuardPause, At: time.Date(2026, 11, 22, 10, 2, 11, 42e6, time.UTC), By: "alice", Via: "cli", Reason: "LeadHit migrates",
	}.Record()
	fmt.Printf("%s %s %v\n", key, value, err)
	// Output: guard {"v":1,"ev":"guard.pause","at":"2026-11-22T10:02:11.042Z","by":"alice","via":"cli","reason":"LeadHit migrates"} <nil>
}

func TestAnEntryIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("Moscow", 3*60*60)
	elsewhere := flood()
	elsewhere.At = elsewhere.At.Add(123456).In(zone) // the ledger stores whole milliseconds
	for name, e := range map[string]ledger.Entry{
		"a flood guard's": flood(),
		"one group's":     {Event: ledger.GuardPause, Group: "leadhit-sync", At: flood().At, By: "alice", Reason: "LeadHit migrates"},
		"a resume":        {Event: ledger.GuardResume, At: flood().At, By: "Алиса <a@example.com>"},
		"another zone's":  elsewhere,
	} {
		key, value, err := e.Record()
		if err != nil || string(key) != "guard" {
			t.Fatalf("%s: got key %q, %v", name, key, err)
		}
		got, err := ledger.Parse(value)
		e.At = e.At.UTC().Truncate(time.Millisecond)
		if err != nil || !reflect.DeepEqual(got, e) || !got.For(e.Group) {
			t.Errorf("%s: got %+v, %v\nwant %+v of %s", name, got, err, e, value)
		}
	}
}

func TestMalformedEntriesAreRefused(t *testing.T) {
	t.Parallel()
	const at = `"at":"2026-11-22T10:02:11.042Z"`
	for value, want := range map[string]string{
		"":                                      "not a ledger entry",
		"guard.pause":                           "not a ledger entry",
		"null":                                  `"ev" is missing`,
		"[]":                                    "not a ledger entry",
		`{"v":1}`:                               `"ev" is missing`,
		`{"v":1,"ev":17}`:                       "not a ledger entry",
		`{"v":1,"ev":"guard.pause"}`:            `"at" is missing`,
		`{"v":1,"ev":"guard.pause",` + at + `}`: `"by" is missing`,
		`{"ev":"guard.pause",` + at + `,"by":"alice"}`:                                 "version 0",
		`{"v":2,"ev":"guard.resume",` + at + `,"by":"alice"}`:                          "version 2",
		`{"v":1,"ev":"guard.pause","at":"9999-12-31T23:30:00-01:00","by":"alice"}`:     "does not have four digits", // in UTC
		`{"v":1,"ev":"guard.pause","at":"yesterday","by":"alice"}`:                     "guard.pause",
		`{"v":1,"ev":"guard.pause",` + at + `,"by":"a\u001b[2Jb"}`:                     "U+001B",
		`{"v":1,"ev":"guard.pause",` + at + `,"by":"a","reason":"\u202e"}`:             "U+202E",
		`{"v":1,"ev":"guard.pause",` + at + `,"by":"a","fingerprints":["v1:\n"]}`:      "U+000A",
		`{"v":1,"ev":"guard.pause",` + at + `,"by":"a","group":"` + long(257) + `"}`:   "too long",
		`{"v":1,"ev":"guard.pause",` + at + `,"by":"a","group":"a\u0000"}`:             "U+0000",
		`{"v":1,"ev":"guard.pause",` + at + `,"by":"` + long(257) + `"}`:               "too long",
		`{"v":1,"ev":"guard.pause",` + at + `,"by":"a","reason":"` + long(1025) + `"}`: "too long",
	} {
		if got, err := ledger.Parse([]byte(value)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: got %+v, %v, want an error with %q", value, got, err, want)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

func TestEntriesOfOtherEventsAreForNoGroup(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		`{"v":1,"ev":"requeued","id":"orders/3/118273","order":"4711","run":"r_01JD8","n":1,"at":"2026-11-22T10:02:11.042Z","letter":512,"to":{"t":"leadhit-sync.replay","p":3}}`,
		`{"v":7,"ev":"of a later release","at":17,"by":["two","of us"]}`,
	} {
		if got, err := ledger.Parse([]byte(value)); err != nil || got.For("") || got.Event == "" {
			t.Errorf("%s: got %+v, %v, want an entry that nobody follows", value, got, err)
		}
	}
}

func TestEntriesThatCannotBeReadAreNotWritten(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*ledger.Entry){
		"another event":         func(e *ledger.Entry) { e.Event = "requeued" },
		"no time":               func(e *ledger.Entry) { e.At = time.Time{} },
		"nobody":                func(e *ledger.Entry) { e.By = "" },
		"two lines":             func(e *ledger.Entry) { e.Reason = "a\nb" },
		"broken UTF-8":          func(e *ledger.Entry) { e.By = "a\xff" },
		"a long build":          func(e *ledger.Entry) { e.Build = long(257) },
		"too many fingerprints": func(e *ledger.Entry) { e.Fingerprints = make([]string, 257) },
	} {
		e := flood()
		change(&e)
		if _, value, err := e.Record(); err == nil {
			t.Errorf("%s: got %s, want an error", name, value)
		}
	}
	e := flood()
	e.Reason = long(1025)
	if _, _, err := e.Record(); !errors.Is(err, ledger.ErrTooLong) {
		t.Errorf("got %v, want ErrTooLong", err)
	}
}

func FuzzParse(f *testing.F) {
	_, value, err := flood().Record()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(value)
	f.Add([]byte(`{"v":1,"ev":"dismissed"}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		e, err := ledger.Parse(value)
		if err != nil || !e.For(e.Group) {
			return
		}
		_, again, err := e.Record()
		if err != nil {
			return // rounding to milliseconds may leave the range of years
		}
		back, err := ledger.Parse(again)
		e.At = e.At.Truncate(time.Millisecond)
		if err != nil || !e.At.Equal(back.At) || e.By != back.By || e.Reason != back.Reason || len(e.Fingerprints) != len(back.Fingerprints) {
			t.Errorf("got %+v, %v for %s, want %+v", back, err, again, e)
		}
	})
}

// Entries of older releases name no group, so they address all groups.
func TestAnEntryAddressesItsGroupOrAll(t *testing.T) {
	t.Parallel()
	old, err := ledger.Parse([]byte(`{"v":1,"ev":"guard.pause","at":"2026-11-22T10:02:11.042Z","by":"alice"}`))
	if err != nil || !old.For("shop") || !old.For("billing") {
		t.Errorf("got %+v, %v, want an entry for all groups", old, err)
	}
	_, value, err := ledger.Entry{Event: ledger.GuardPause, Group: "shop", At: flood().At, By: "alice"}.Record()
	if err != nil || !strings.Contains(string(value), `"v":1`) || !strings.Contains(string(value), `"group":"shop"`) {
		t.Fatalf("got %s, %v, want version 1, which older releases read, and the group", value, err)
	}
	own, err := ledger.Parse(value)
	if err != nil || !own.For("shop") || own.For("billing") || own.For("") {
		t.Errorf("got %+v, %v, want an entry for shop alone", own, err)
	}
}
