package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/view"
)

// refusedLetter returns a letter as a worker writes it.
func refusedLetter() deadletter.Letter {
	return deadletter.Letter{
		Record: event.Record{
			Place: event.Place{Topic: "orders", Partition: 3, Offset: 118273}, Time: time.UnixMilli(1795338840123).UTC(),
			Key: []byte("4711"), Value: []byte(`{"order_id":"4711","status":"lost"}`),
			Headers: []event.Header{
				{Key: "traceparent", Value: []byte("00-1-2-01")},
				{Key: "empty", Value: []byte{}},
				{Key: "absent"},
			},
		},
		Item: deadletter.NoItem, OrderID: "4711", Status: "lost",
		Stage: deadletter.StageCall, Cause: "ValidationError", Message: "Possible statuses: paid, submitted",
		DecidedBy: "rules[1]: status == \"lost\"", Code: -32000, Attempts: 1,
		FailedAt: time.Date(2026, 11, 22, 9, 14, 3, 512e6, time.UTC),
		Group:    "leadhit-sync", Version: "1.9.0+3fa2c1d",
	}
}

// views returns letters in the form that a [view.View] has.
func views(letters ...deadletter.Letter) []view.Letter {
	var all []view.Letter
	for _, l := range letters {
		all = append(all, view.Letter{Letter: l})
	}
	return all
}

// whole returns a letter with its event.
func whole(l deadletter.Letter) shownLetter {
	return shownLetter{Letter: operator.Letter{Letter: views(l)[0], Event: l.Record}}
}

// letterAt returns the letter of the event at the given offset. The offset is also the minute of the letter's failure.
func letterAt(offset int64) deadletter.Letter {
	l := refusedLetter()
	l.Offset = offset
	l.FailedAt = time.Date(2026, 11, 22, 9, int(offset), 0, 0, time.UTC)
	return l
}

// wideLetters returns letters with long text, and with characters that take two columns of a terminal or none.
func wideLetters() []deadletter.Letter {
	long, wide := letterAt(7), letterAt(8)
	long.OrderID, long.Status, long.Cause = "ИМ-2026/№ 395-and-on-and-on-to-the-end", "waiting-for-payment",
		"RetriesExhausted"
	wide.OrderID, wide.Status, wide.Cause = "注文-1", "é\u0301t\u00e9", "中国中国中国中国中国"
	return []deadletter.Letter{long, wide, refusedLetter()}
}

// listed returns the list of letters as it appears on a terminal of the given width, or in a pipe if width is 0.
func listed(found foundLetters, width int) string {
	return strings.Join(lettersPage(found).Lines(width), "\n") + "\n"
}

func TestAListOfLettersFitsTheTerminal(t *testing.T) {
	t.Parallel()
	found := foundLetters{Letters: views(wideLetters()...), Total: 3, Read: 9, Broken: 2}
	want := `ID               ORDER                                   STATUS  CAUSE               FAILED (UTC)  MESSA…
orders/3/7       ИМ-2026/№ 395-and-on-and-on-to-the-end  waiti…  RetriesExhausted    11-22 09:07   Possi…
orders/3/8       注文-1                                  é́té     中国中国中国中国…   11-22 09:08   Possi…
orders/3/118273  4711                                    lost    ValidationError     11-22 09:14   Possi…
2 of 9 records are not letters or cannot be read.
`
	if got := listed(found, 105); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAListOfLettersInAPipeIsNotCut(t *testing.T) {
	t.Parallel()
	letters := wideLetters()
	letters[0].Message = strings.Repeat("long ", 100) + "end"
	got := listed(foundLetters{Letters: views(letters...), Total: 3, Read: 3}, 0)
	want := `ID               ORDER                                   STATUS               CAUSE                 FAILED (UTC)  MESSAGE
orders/3/7       ИМ-2026/№ 395-and-on-and-on-to-the-end  waiting-for-payment  RetriesExhausted      11-22 09:07   ` +
		letters[0].Message + `
orders/3/8       注文-1                                  é́té                  中国中国中国中国中国  11-22 09:08   Possible statuses: paid, submitted
orders/3/118273  4711                                    lost                 ValidationError       11-22 09:14   Possible statuses: paid, submitted
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTheIDsOfLetterAndOrderAreNeverCut(t *testing.T) {
	t.Parallel()
	for _, width := range []int{0, 10, 80, 300} {
		l := refusedLetter()
		l.Topic, l.OrderID = strings.Repeat("t", 200), strings.Repeat("номер", 40)
		got := listed(foundLetters{Letters: views(l), Total: 1}, width)
		if !strings.Contains(got, l.ID()) || !strings.Contains(got, l.OrderID) {
			t.Errorf("width %d: got\n%s\nwant both ids whole", width, got)
		}
	}
}

func TestAListSaysHowManyLettersItLeavesOut(t *testing.T) {
	t.Parallel()
	found := foundLetters{Letters: views(letterAt(1), letterAt(2)), Total: 117}
	if got := listed(found, 0); !strings.HasSuffix(got, "\n2 of 117 letters, the newest; --limit shows more.\n") {
		t.Errorf("got\n%s\nwant it to end with 2 of 117", got)
	}
	found.Total = 2
	if got := listed(found, 0); strings.Contains(got, " of ") {
		t.Errorf("got\n%s\nwant no word about letters left out", got)
	}
}

func TestAListWithoutMatchesSaysWhatTheTopicHolds(t *testing.T) {
	t.Parallel()
	if got := listed(foundLetters{}, 0); got != "no letters\n" {
		t.Errorf("got %q for an empty topic", got)
	}
	found := foundLetters{
		Causes: map[string]int{"ValidationError": 2, "NotJSON": 1}, Topics: map[string]int{"orders": 2, "returns\x1b[2J": 1},
		Newest: time.Date(2026, 11, 22, 9, 3, 0, 0, time.UTC),
	}
	want := "no letters match; causes: ValidationError (2), NotJSON (1); " +
		`topics: orders (2), "returns\x1b[2J" (1); the newest failed at 2026-11-22T09:03:00Z` + "\n"
	if got := listed(found, 0); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for i := range 99 {
		found.Causes["Cause"+strconv.Itoa(i)] = 1
	}
	if got := listed(found, 0); !strings.Contains(got, ", and 91 more; topics:") {
		t.Errorf("got\n%s\nwant ten causes and the number of the others", got)
	}
}

func TestOneLetterIsShownWithItsValueHidden(t *testing.T) {
	t.Parallel()
	l := refusedLetter()
	l.ReplayCount, l.ReplayRun = 2, "r_01"
	l.Headers = append(l.Headers, event.Header{Key: "raw", Value: []byte{0xff, 0}})
	var out bytes.Buffer
	if err := whole(l).print(&out, false); err != nil {
		t.Fatal(err)
	}
	want := `id           orders/3/118273
order        4711
status       lost
cause        ValidationError
message      Possible statuses: paid, submitted
decided by   rules[1]: status == "lost"
code         -32000
stage        call
fingerprint  ` + l.Fingerprint() + `
failed       2026-11-22T09:14:03Z
event time   2026-11-22T09:14:00.123Z
attempts     1
replays      2 r_01
group        leadhit-sync
version      1.9.0+3fa2c1d
state        open
key          4711
header       traceparent: 00-1-2-01
header       empty: ""
header       absent: null
header       raw: 2 bytes, not text
value        35 bytes, sha256 ` + l.WithoutValue().Omitted.SHA256 + `
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAValueIsShownOnlyOnRequest(t *testing.T) {
	t.Parallel()
	tombstone := refusedLetter()
	tombstone.Value, tombstone.Time = nil, time.Time{}
	for _, c := range []struct {
		name   string
		letter deadletter.Letter
		want   []string
	}{
		{"a value", refusedLetter(), []string{"35 bytes", `{"order_id":"4711","status":"lost"}`}},
		{
			"a reference", refusedLetter().WithoutValue(),
			[]string{"35 bytes", "too large for this topic: read it at orders/3/118273"},
		},
		{"a tombstone", tombstone, []string{"value        null, a tombstone", "event time   none"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var hidden, shown bytes.Buffer
			if err := errors.Join(whole(c.letter).print(&hidden, false), whole(c.letter).print(&shown, true)); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(hidden.String(), `{"order_id"`) {
				t.Errorf("got the value, which was not requested:\n%s", hidden.String())
			}
			for _, want := range c.want {
				if !strings.Contains(shown.String(), want) {
					t.Errorf("got\n%s\nwant %q in it", shown.String(), want)
				}
			}
		})
	}
}

func TestJSONIsForScripts(t *testing.T) {
	t.Parallel()
	l := refusedLetter()
	l.Item = 1
	l.Value = []byte{0xff}
	var out bytes.Buffer
	if err := printJSON(&out, foundLetters{
		Letters: views(l), Read: 3, Matched: 2, Total: 7,
		Broken: 1,
	}.json(), "  "); err != nil {
		t.Fatal(err)
	}
	type listing struct {
		Schema                       string
		Read, Matched, Total, Broken int
		Letters                      []map[string]any
	}
	var got listing
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Schema != "letters.v1" || got.Read != 3 || got.Matched != 2 || got.Total != 7 || got.Broken != 1 ||
		len(got.Letters) != 1 {
		t.Fatalf("got %+v", got)
	}
	for name, want := range map[string]any{
		"id": "orders/3/118273#1", "item": 1.0, "order_id": "4711", "cause": "ValidationError", "code": -32000.0,
		"decided_by": `rules[1]: status == "lost"`, "failed_at": "2026-11-22T09:14:03.512Z",
		"event_time": "2026-11-22T09:14:00.123Z", "fingerprint": l.Fingerprint(),
	} {
		if got.Letters[0][name] != want {
			t.Errorf("%s: got %v, want %v", name, got.Letters[0][name], want)
		}
	}
	for _, name := range []string{"headers", "key"} {
		if _, ok := got.Letters[0][name]; ok {
			t.Errorf("got %s in a list", name)
		}
	}
	out.Reset()
	if err := printJSON(&out, whole(l).json(true), "  "); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"base64": "/w=="`, `"key": "traceparent"`, `"text": "00-1-2-01"`,
		`"schema": "letters.v1"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwant %s in it", out.String(), want)
		}
	}
}

func TestOneLetterInJSONHasItsKeyAndHeaders(t *testing.T) {
	t.Parallel()
	bare, binary := refusedLetter(), refusedLetter()
	bare.Key, bare.Headers = nil, nil
	binary.Key = []byte{0xff, 0}
	for _, c := range []struct {
		name   string
		letter deadletter.Letter
		want   []string
	}{
		{"text", refusedLetter(), []string{
			`"key":{"text":"4711"}`,
			`"headers":[{"key":"traceparent","text":"00-1-2-01"},{"key":"empty","text":""},{"key":"absent"}]`,
		}},
		{"bytes", binary, []string{`"key":{"base64":"/wA="}`}},
		{"none", bare, []string{`"key":null`, `"headers":[]`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out, compact bytes.Buffer
			if err := errors.Join(printJSON(&out, whole(c.letter).json(false), "  "), json.Compact(&compact, out.Bytes())); err != nil {
				t.Fatal(err)
			}
			for _, want := range c.want {
				if !strings.Contains(compact.String(), want) {
					t.Errorf("got\n%s\nwant %s in it", compact.String(), want)
				}
			}
		})
	}
}

func TestAnEmptyListIsAnEmptyList(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := printJSON(&out, foundLetters{}.json(), "  "); err != nil ||
		!strings.Contains(out.String(), `"letters": []`) {
		t.Errorf("got %s, %v, want an empty array, not null", out.String(), err)
	}
}

func TestNoControlCharacterReachesTheTerminal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		nasty := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"\x1b[2J", "\u202eabc", "\x9b31m", "\u0085", "\u200b",
			"a\xffb", "\r\n\x07", "\U000e0001",
		}))
		l := refusedLetter()
		l.OrderID, l.Status, l.Message = nasty.Draw(t, "order"), nasty.Draw(t, "status"), nasty.Draw(t, "message")
		l.DecidedBy, l.Cause, l.Group, l.Version, l.ReplayRun = nasty.Draw(t, "decided by"), nasty.Draw(t, "cause"),
			nasty.Draw(t, "group"), nasty.Draw(t, "version"), nasty.Draw(t, "run")
		l.Key, l.Value = []byte(nasty.Draw(t, "key")), []byte(nasty.Draw(t, "value"))
		l.Headers = []event.Header{{Key: nasty.Draw(t, "name"), Value: []byte(nasty.Draw(t, "header"))}}
		printsSafely(t, l, 0)
		printsSafely(t, l, 120)
		var shown bytes.Buffer
		var back struct{ Letters []struct{ Cause string } }
		if err := errors.Join(printJSON(&shown, whole(l).json(false), "  "), json.Unmarshal(shown.Bytes(), &back)); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(l.Cause, "\ufffd"); back.Letters[0].Cause != want {
			t.Fatalf("got cause %q out of the JSON, want %q", back.Letters[0].Cause, want)
		}
	})
}

// printsSafely prints the letter in every format, and checks each rune and the table's lines.
func printsSafely(t *rapid.T, l deadletter.Letter, width int) {
	t.Helper()
	found := foundLetters{Letters: views(l)}
	lines := lettersPage(found).Lines(width)
	var rest bytes.Buffer
	err := errors.Join(whole(l).print(&rest, true), printJSON(&rest, found.json(), "  "), printJSON(&rest, whole(l).json(true), "  "))
	if err != nil {
		t.Fatal(err)
	}
	obeyed := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
	if out := strings.Join(lines, "\n") + rest.String(); strings.ContainsFunc(out, obeyed) {
		t.Fatalf("got %q on the terminal", out)
	}
	if len(lines) != 2 {
		t.Fatalf("got %q, want a table of two lines", lines)
	}
	for _, line := range lines {
		got, ids := terminal.Width(line), terminal.Width(l.ID()+"  "+terminal.Quote(l.OrderID)+"  …")
		if width > 0 && got > max(width, ids) {
			t.Fatalf("got a line of %d columns", got)
		}
	}
}

func TestAFailedWriteIsReported(t *testing.T) {
	t.Parallel()
	l := refusedLetter()
	for name, err := range map[string]error{
		"list": lettersPage(foundLetters{}).Print(full{}), "show": whole(l).print(full{}, false),
		"list -o json": printJSON(full{}, foundLetters{}.json(), "  "), "show -o json": printJSON(full{}, whole(l).json(false), "  "),
	} {
		if err == nil {
			t.Errorf("%s: got nil, want the writer's error", name)
		}
	}
}

func TestAnEventsTimeInAnotherUnitIsPrinted(t *testing.T) {
	t.Parallel()
	for _, ms := range []int64{
		1_795_338_840_123_000_000, 1_795_338_840_123_000, 1_795_338_840, 0, -11_644_473_600_000,
		math.MaxInt64, math.MinInt64,
	} {
		l := letterAt(1)
		l.Time = time.UnixMilli(ms).UTC()
		found := foundLetters{Letters: views(l)}
		var out bytes.Buffer
		err := errors.Join(printJSON(&out, found.json(), "  "), printJSON(&out, whole(l).json(false), "  "), lettersPage(found).Print(&out),
			whole(l).print(&out, false))
		if err != nil {
			t.Errorf("%d: got %v, want all lists printed", ms, err)
		}
	}
}
