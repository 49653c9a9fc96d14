package deadletter_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"
	"pgregory.net/rapid"

	"leadhit-sync/deadletter"
)

// numbered is the letter of the event at an offset, failed that many minutes after a full hour.
func numbered(offset int64) deadletter.Letter {
	l := refused()
	l.Offset = offset
	l.FailedAt = time.Date(2026, 11, 22, 9, int(offset), 0, 0, time.UTC)
	return l
}

// topicOf gives the letters' records as a topic does, oldest first, then an error if there is one.
func topicOf(err error, letters ...deadletter.Letter) iter.Seq2[deadletter.Record, error] {
	return func(yield func(deadletter.Record, error) bool) {
		for _, l := range letters {
			if !yield(l.Record(), nil) {
				return
			}
		}
		if err != nil {
			yield(deadletter.Record{}, err)
		}
	}
}

func offsets(found deadletter.Listing) []int64 {
	var out []int64
	for _, l := range found.Letters {
		out = append(out, l.Offset)
	}
	return out
}

func TestAListShowsTheNewestLettersOfAFilter(t *testing.T) {
	t.Parallel()
	letters := make([]deadletter.Letter, 6)
	for i := range letters {
		letters[i] = numbered(int64(i))
	}
	letters[1].Cause = "InvalidParams"
	letters[2].OrderID = "4712"
	letters[3].Topic = "returns"
	for _, c := range []struct {
		name   string
		filter deadletter.Filter
		want   []int64
	}{
		{"none", deadletter.Filter{}, []int64{5, 4, 3, 2, 1, 0}},
		{"a limit", deadletter.Filter{Limit: 2}, []int64{5, 4}},
		{"a cause", deadletter.Filter{Cause: "InvalidParams"}, []int64{1}},
		{"an order", deadletter.Filter{OrderID: "4712"}, []int64{2}},
		{"a topic", deadletter.Filter{Topic: "returns"}, []int64{3}},
		{"an id", deadletter.Filter{ID: "orders/3/4"}, []int64{4}},
		{"a fingerprint", deadletter.Filter{Fingerprint: letters[1].Fingerprint()}, []int64{1}},
		{"a time, itself within", deadletter.Filter{Since: letters[4].FailedAt}, []int64{5, 4}},
		{"several at once", deadletter.Filter{Cause: "ValidationError", Since: letters[2].FailedAt, Topic: "orders", Limit: 2}, []int64{5, 4}},
		{"what no letter has", deadletter.Filter{OrderID: "4711", Topic: "returns", Cause: "x"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found, err := deadletter.List(topicOf(nil, letters...), c.filter)
			if err != nil {
				t.Fatal(err)
			}
			if got := offsets(found); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if found.Read != len(letters) || found.Broken != 0 {
				t.Errorf("got %d read, %d broken, want %d and 0", found.Read, found.Broken, len(letters))
			}
		})
	}
}

func TestALetterStoredTwiceIsListedOnceAsLastWritten(t *testing.T) {
	t.Parallel()
	again := numbered(1)
	again.Cause = "RetriesExhausted"
	found, err := deadletter.List(topicOf(nil, numbered(1), numbered(2), again), deadletter.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if got := offsets(found); !slices.Equal(got, []int64{1, 2}) || found.Letters[0].Cause != "RetriesExhausted" || found.Matched != 3 {
		t.Errorf("got %v of %d, first cause %s, want 1 as last written, then 2, of 3", got, found.Matched, found.Letters[0].Cause)
	}
}

func TestAListKeepsFiftyUnlessTold(t *testing.T) {
	t.Parallel()
	var letters []deadletter.Letter
	for i := range 120 {
		letters = append(letters, numbered(int64(i)))
	}
	letters = append(letters, letters[3]) // forgotten and met again: not twice
	found, err := deadletter.List(topicOf(nil, letters...), deadletter.Filter{})
	if err != nil || len(found.Letters) != 50 || found.Matched != 121 || found.Letters[0].Offset != 3 || found.Letters[49].Offset != 71 {
		t.Errorf("got %d of %d, %v, %v", len(found.Letters), found.Matched, offsets(found), err)
	}
}

// A list runs within the memory of the worker beside it: 50 letters of a mebibyte would be too much.
func TestAListHoldsNoEvents(t *testing.T) {
	t.Parallel()
	found, err := deadletter.List(topicOf(nil, numbered(1), numbered(2)), deadletter.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	var all, one bytes.Buffer
	for _, l := range found.Letters {
		if l.Value != nil || l.Headers != nil {
			t.Errorf("%s: got its value and headers, want none", l.ID())
		}
	}
	shown, err := deadletter.List(topicOf(nil, numbered(1)), deadletter.Filter{ID: numbered(1).ID()})
	if err != nil || len(shown.Letters) != 1 || shown.Letters[0].Value == nil || shown.Letters[0].Headers == nil {
		t.Fatalf("got %+v, %v, want the letter with its event", shown, err)
	}
	// What is told of the value is the same.
	found, shown = deadletter.Listing{Letters: found.Letters[1:]}, deadletter.Listing{Letters: shown.Letters}
	if err := errors.Join(deadletter.Printer{}.ListJSON(&all, found), deadletter.Printer{}.ListJSON(&one, shown)); err != nil {
		t.Fatal(err)
	}
	if all.String() != one.String() {
		t.Errorf("got %s, want %s", all.String(), one.String())
	}
}

func TestABrokenRecordDoesNotHideItsNeighbours(t *testing.T) {
	t.Parallel()
	records := func(yield func(deadletter.Record, error) bool) {
		_ = yield(numbered(1).Record(), nil) && yield(deadletter.Record{}, nil) && yield(numbered(2).Record(), nil)
	}
	found, err := deadletter.List(records, deadletter.Filter{})
	if got := offsets(found); err != nil || !slices.Equal(got, []int64{2, 1}) || found.Broken != 1 || found.Read != 3 {
		t.Errorf("got %v, %d of %d broken, %v", got, found.Broken, found.Read, err)
	}
}

func TestAnErrorOfTheTopicComesWithWhatWasRead(t *testing.T) {
	t.Parallel()
	gone := errors.New("the broker is gone")
	found, err := deadletter.List(topicOf(gone, numbered(1)), deadletter.Filter{})
	if !errors.Is(err, gone) || len(found.Letters) != 1 {
		t.Errorf("got %d letters, %v, want 1 and the error", len(found.Letters), err)
	}
}

// wideLetters are letters with texts that are long, and with characters that take two columns of a terminal or none.
func wideLetters() []deadletter.Letter {
	long, wide := numbered(7), numbered(8)
	long.OrderID, long.Status, long.Cause = "ИМ-2026/№ 395-and-on-and-on-to-the-end", "waiting-for-payment", "RetriesExhausted"
	wide.OrderID, wide.Status, wide.Cause = "注文-1", "é\u0301t\u00e9", "中国中国中国中国中国"
	return []deadletter.Letter{long, wide, refused()}
}

func listed(t *testing.T, p deadletter.Printer, found deadletter.Listing) string {
	t.Helper()
	var out bytes.Buffer
	if err := p.List(&out, found); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestATableOnATerminalFitsItsWidth(t *testing.T) {
	t.Parallel()
	found := deadletter.Listing{Letters: wideLetters(), Total: 3, Read: 9, Broken: 2}
	want := `ID               ORDER                                   STATUS      CAUSE              FAILED (UTC)  ME…
orders/3/7       ИМ-2026/№ 395-and-on-and-on-to-the-end  waiting-f…  RetriesExhausted   11-22 09:07   Po…
orders/3/8       注文-1                                  é́té         中国中国中国中国…  11-22 09:08   Po…
orders/3/118273  4711                                    lost        ValidationError    11-22 09:14   Po…
2 of 9 records are not letters or cannot be read.
`
	if got := listed(t, deadletter.Printer{Width: 105}, found); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNothingIsCutWhereThereIsNoTerminal(t *testing.T) {
	t.Parallel()
	letters := wideLetters()
	letters[0].Message = strings.Repeat("long ", 100) + "end"
	got := listed(t, deadletter.Printer{}, deadletter.Listing{Letters: letters, Total: 3, Read: 3})
	want := `ID               ORDER                                   STATUS               CAUSE                 FAILED (UTC)  MESSAGE
orders/3/7       ИМ-2026/№ 395-and-on-and-on-to-the-end  waiting-for-payment  RetriesExhausted      11-22 09:07   ` + letters[0].Message + `
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
		l := refused()
		l.Topic, l.OrderID = strings.Repeat("t", 200), strings.Repeat("номер", 40)
		got := listed(t, deadletter.Printer{Width: width}, deadletter.Listing{Letters: []deadletter.Letter{l}, Total: 1})
		if !strings.Contains(got, l.ID()) || !strings.Contains(got, l.OrderID) {
			t.Errorf("width %d: got\n%s\nwant both ids whole", width, got)
		}
	}
}

func TestAListSaysHowManyLettersItLeavesOut(t *testing.T) {
	t.Parallel()
	var letters []deadletter.Letter
	for i := range 117 {
		letters = append(letters, numbered(int64(i)))
	}
	letters = append(letters, letters[3]) // stored twice, counted once
	found, err := deadletter.List(topicOf(nil, letters...), deadletter.Filter{})
	if err != nil || found.Total != 117 {
		t.Fatalf("got %d letters in all, %v, want 117", found.Total, err)
	}
	if got := listed(t, deadletter.Printer{}, found); !strings.HasSuffix(got, "\n50 of 117 letters, the newest; --limit shows more.\n") {
		t.Errorf("got\n%s\nwant it to end with 50 of 117", got)
	}
	found, err = deadletter.List(topicOf(nil, letters[:50]...), deadletter.Filter{})
	if got := listed(t, deadletter.Printer{}, found); err != nil || strings.Contains(got, " of ") {
		t.Errorf("got\n%s, %v\nwant no word of letters left out", got, err)
	}
}

func TestAListThatFindsNothingSaysWhatThereIs(t *testing.T) {
	t.Parallel()
	letters := []deadletter.Letter{numbered(1), numbered(2), numbered(3)}
	letters[0].Cause, letters[2].Topic = "NotJSON", "returns\x1b[2J"
	for _, c := range []struct {
		name    string
		letters []deadletter.Letter
		want    string
	}{
		{"no letters at all", nil, "no letters\n"},
		{"letters of other causes", letters, "no letters match; causes: ValidationError (2), NotJSON (1); " +
			`topics: orders (2), returns\x1b[2J (1); the newest failed at 2026-11-22T09:03:00Z` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found := deadletter.Listing{}
			for _, l := range c.letters {
				// By hand: a topic of this name cannot be read back.
				found.Causes, found.Topics = counted(found.Causes, l.Cause), counted(found.Topics, l.Topic)
				found.Newest = l.FailedAt
			}
			if got := listed(t, deadletter.Printer{}, found); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
	found, err := deadletter.List(topicOf(nil, letters[:2]...), deadletter.Filter{Cause: "notjson"})
	if err != nil || found.Causes["ValidationError"] != 1 || found.Causes["NotJSON"] != 1 || found.Topics["orders"] != 2 || !found.Newest.Equal(letters[1].FailedAt) {
		t.Errorf("got %+v, %v, want what there is whatever the filter", found, err)
	}
}

func counted(counts map[string]int, name string) map[string]int {
	if counts == nil {
		counts = make(map[string]int)
	}
	counts[name]++
	return counts
}

// Causes come from whoever writes to the topic: memory must not grow with them.
func TestAListCountsABoundedNumberOfCauses(t *testing.T) {
	t.Parallel()
	var letters []deadletter.Letter
	for i := range 150 {
		l := numbered(int64(i))
		l.Cause = fmt.Sprintf("Cause%03d", i)
		letters = append(letters, l)
	}
	found, err := deadletter.List(topicOf(nil, letters...), deadletter.Filter{Cause: "none"})
	if err != nil || len(found.Causes) != 101 || found.Causes["others"] != 50 {
		t.Errorf("got %d causes, %d others, %v, want 100 and others", len(found.Causes), found.Causes["others"], err)
	}
	if got := listed(t, deadletter.Printer{}, found); !strings.Contains(got, "causes: others (50), Cause000 (1), ") || !strings.Contains(got, ", and 91 more; topics:") {
		t.Errorf("got\n%s\nwant ten causes and the number of the others", got)
	}
}

func TestOneLetterIsShownWithItsValueHidden(t *testing.T) {
	t.Parallel()
	l := refused()
	l.ReplayCount, l.ReplayRun = 2, "r_01"
	l.Headers = append(l.Headers, deadletter.Header{Key: "raw", Value: []byte{0xff, 0}})
	var out bytes.Buffer
	if err := (deadletter.Printer{}).Show(&out, l); err != nil {
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
key          4711
header       traceparent: 00-1-2-01
header       empty: 
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
	tombstone := refused()
	tombstone.Value, tombstone.Time = nil, time.Time{}
	for _, c := range []struct {
		name   string
		letter deadletter.Letter
		want   []string
	}{
		{"a value", refused(), []string{"35 bytes", `{"order_id":"4711","status":"lost"}`}},
		{"a reference", refused().WithoutValue(), []string{"35 bytes", "too large for this topic: read it at orders/3/118273"}},
		{"a tombstone", tombstone, []string{"value        null, a tombstone", "event time   none"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var hidden, shown bytes.Buffer
			if err := errors.Join((deadletter.Printer{}).Show(&hidden, c.letter), (deadletter.Printer{Reveal: true}).Show(&shown, c.letter)); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(hidden.String(), `{"order_id"`) {
				t.Errorf("got the value without being asked:\n%s", hidden.String())
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
	l := refused()
	l.Item = 1
	l.Value = []byte{0xff}
	var out bytes.Buffer
	if err := (deadletter.Printer{}).ListJSON(&out, deadletter.Listing{Letters: []deadletter.Letter{l}, Read: 3, Matched: 2, Broken: 1}); err != nil {
		t.Fatal(err)
	}
	type listing struct {
		Schema                string
		Read, Matched, Broken int
		Letters               []map[string]any
	}
	var got listing
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Schema != "letters.v1" || got.Read != 3 || got.Matched != 2 || got.Broken != 1 || len(got.Letters) != 1 {
		t.Fatalf("got %+v", got)
	}
	for name, want := range map[string]any{
		"id": "orders/3/118273#1", "item": 1.0, "order_id": "4711", "cause": "ValidationError", "code": -32000.0,
		"decided_by": `rules[1]: status == "lost"`, "failed_at": "2026-11-22T09:14:03.512Z", "event_time": "2026-11-22T09:14:00.123Z", "fingerprint": l.Fingerprint(),
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
	if err := (deadletter.Printer{Reveal: true}).ShowJSON(&out, l); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"base64": "/w=="`, `"key": "traceparent"`, `"text": "00-1-2-01"`, `"schema": "letters.v1"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwant %s in it", out.String(), want)
		}
	}
}

func TestOneLetterInJSONHasItsKeyAndHeaders(t *testing.T) {
	t.Parallel()
	bare, binary := refused(), refused()
	bare.Key, bare.Headers = nil, nil
	binary.Key = []byte{0xff, 0}
	for _, c := range []struct {
		name   string
		letter deadletter.Letter
		want   []string
	}{
		{"a text", refused(), []string{`"key":{"text":"4711"}`, `"headers":[{"key":"traceparent","text":"00-1-2-01"},{"key":"empty","text":""},{"key":"absent"}]`}},
		{"bytes", binary, []string{`"key":{"base64":"/wA="}`}},
		{"none", bare, []string{`"key":null`, `"headers":[]`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out, compact bytes.Buffer
			if err := errors.Join((deadletter.Printer{}).ShowJSON(&out, c.letter), json.Compact(&compact, out.Bytes())); err != nil {
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
	if err := (deadletter.Printer{}).ListJSON(&out, deadletter.Listing{}); err != nil || !strings.Contains(out.String(), `"letters": []`) {
		t.Errorf("got %s, %v, want an empty array, not null", out.String(), err)
	}
}

func TestNothingReachesTheTerminalThatItWouldObey(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		nasty := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"\x1b[2J", "\u202eabc", "\x9b31m", "\u0085", "\u200b", "a\xffb", "\r\n\x07", "\U000e0001"}))
		l := refused()
		l.OrderID, l.Status, l.Message = nasty.Draw(t, "order"), nasty.Draw(t, "status"), nasty.Draw(t, "message")
		l.DecidedBy, l.Cause, l.Group, l.Version, l.ReplayRun = nasty.Draw(t, "decided by"), nasty.Draw(t, "cause"), nasty.Draw(t, "group"), nasty.Draw(t, "version"), nasty.Draw(t, "run")
		l.Key, l.Value = []byte(nasty.Draw(t, "key")), []byte(nasty.Draw(t, "value"))
		l.Headers = []deadletter.Header{{Key: nasty.Draw(t, "name"), Value: []byte(nasty.Draw(t, "header"))}}
		for _, p := range []deadletter.Printer{{}, {Reveal: true, Width: 120}} {
			printsSafely(t, p, l)
		}
		var shown bytes.Buffer
		var back struct{ Letters []struct{ Cause string } }
		if err := errors.Join((deadletter.Printer{}).ShowJSON(&shown, l), json.Unmarshal(shown.Bytes(), &back)); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(l.Cause, "\ufffd"); back.Letters[0].Cause != want {
			t.Fatalf("got cause %q out of the JSON, want %q", back.Letters[0].Cause, want)
		}
	})
}

// printsSafely prints the letter in every way and looks at each rune and at the table's lines.
func printsSafely(t *rapid.T, p deadletter.Printer, l deadletter.Letter) {
	t.Helper()
	found := deadletter.Listing{Letters: []deadletter.Letter{l}}
	var table, rest bytes.Buffer
	err := errors.Join(p.List(&table, found), p.Show(&rest, l), p.ListJSON(&rest, found), p.ShowJSON(&rest, l))
	if err != nil {
		t.Fatal(err)
	}
	obeyed := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
	if out := table.String() + rest.String(); strings.ContainsFunc(out, obeyed) {
		t.Fatalf("got on the terminal %q", out)
	}
	if strings.Count(table.String(), "\n") != 2 {
		t.Fatalf("got a table of other than two lines:\n%s", table.String())
	}
	for line := range strings.Lines(table.String()) {
		if width := runewidth.StringWidth(line); p.Width > 0 && width > max(p.Width, runewidth.StringWidth(l.ID()+"  "+safely(l.OrderID)+"  …")) {
			t.Fatalf("got a line of %d columns", width)
		}
	}
}

// safely is how a text stands in a table, not shorter.
func safely(text string) string {
	quoted := strconv.QuoteToGraphic(text)
	return quoted[1 : len(quoted)-1]
}

// full stands for a disk that is.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestAFailedWriteIsReported(t *testing.T) {
	t.Parallel()
	p, l := deadletter.Printer{}, refused()
	for name, err := range map[string]error{
		"List": p.List(full{}, deadletter.Listing{}), "Show": p.Show(full{}, l),
		"ListJSON": p.ListJSON(full{}, deadletter.Listing{}), "ShowJSON": p.ShowJSON(full{}, l),
	} {
		if err == nil {
			t.Errorf("%s: got nil, want the writer's error", name)
		}
	}
}

// TestAnEventsTimeInAnotherUnitIsKeptAndBreaksNoList: JSON has no word for a year beyond 9999.
func TestAnEventsTimeInAnotherUnitIsKeptAndBreaksNoList(t *testing.T) {
	t.Parallel()
	for _, ms := range []int64{1_795_338_840_123_000_000, 1_795_338_840_123_000, 1_795_338_840, 0, -11_644_473_600_000, math.MaxInt64, math.MinInt64} {
		l := numbered(1)
		l.Time = time.UnixMilli(ms).UTC()
		record := l.Record()
		if got := header(record, "dlq.original.timestamp"); got != strconv.FormatInt(ms, 10) {
			t.Errorf("%d: got %q as dlq.original.timestamp, want it as it was", ms, got)
		}
		found, err := deadletter.List(topicOf(nil, l), deadletter.Filter{})
		if err != nil || len(found.Letters) != 1 || !found.Letters[0].Time.Equal(l.Time) {
			t.Fatalf("%d: got %+v, %v, want the letter with its time", ms, found, err)
		}
		var out bytes.Buffer
		p := deadletter.Printer{}
		if err := errors.Join(p.ListJSON(&out, found), p.ShowJSON(&out, l), p.List(&out, found), p.Show(&out, l)); err != nil {
			t.Errorf("%d: got %v, want all lists printed", ms, err)
		}
	}
}

func header(r deadletter.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

func TestLettersOfOtherGroupsAreCountedAndNotListed(t *testing.T) {
	t.Parallel()
	of := func(group string, offset int64, cause string) deadletter.Record {
		l := refused()
		l.Group, l.Offset, l.Cause = group, offset, cause
		return l.Record()
	}
	records := []deadletter.Record{
		of("shop", 1, "ValidationError"), of("billing", 1, "ValidationError"), of("billing", 2, "ValidationError"),
		of("billing", 3, "NotJSON"), of("", 4, "ValidationError"), of("shop", 1, "ValidationError"),
	}
	all := func(yield func(deadletter.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
	for name, c := range map[string]struct {
		group     string
		want      int
		elsewhere int
	}{
		"one group":   {"shop", 2, 2}, // its own, stored twice, and the one that names no group
		"every group": {"", 4, 0},
	} {
		found, err := deadletter.List(all, deadletter.Filter{Group: c.group, Cause: "ValidationError"})
		if err != nil || len(found.Letters) != c.want || found.Elsewhere["billing"] != c.elsewhere {
			t.Errorf("%s: got %d letters and %v elsewhere, %v, want %d and %d", name, len(found.Letters), found.Elsewhere, err, c.want, c.elsewhere)
		}
		for _, l := range found.Letters {
			if c.group != "" && l.Group == "billing" {
				t.Errorf("%s: got a letter of group %s", name, l.Group)
			}
		}
	}
}
