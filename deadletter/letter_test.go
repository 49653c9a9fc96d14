package deadletter_test

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
)

// refused returns a typical letter, as a worker writes it.
func refused() deadletter.Letter {
	return deadletter.Letter{
		Record: event.Record{
			Place: event.Place{Topic: "orders", Partition: 3, Offset: 118273}, Time: time.UnixMilli(1795338840123).UTC(),
			Key: []byte("4711"), Value: []byte(`{"order_id":"4711","status":"lost"}`),
			Headers: []event.Header{{Key: "traceparent", Value: []byte("00-1-2-01")}, {Key: "empty", Value: []byte{}}, {Key: "absent"}},
		},
		Item: deadletter.NoItem, OrderID: "4711", Status: "lost",
		Stage: deadletter.StageCall, Cause: "ValidationError", Message: "Possible statuses: paid, submitted",
		DecidedBy: "rules[1]: status == \"lost\"", Code: -32000, Attempts: 1, FailedAt: time.Date(2026, 11, 22, 9, 14, 3, 512e6, time.UTC),
		Group: "leadhit-sync", Version: "1.9.0+3fa2c1d",
	}
}

// dump returns headers as text, one per line. It distinguishes null from empty values.
func dump(headers []event.Header) string {
	var out strings.Builder
	for _, h := range headers {
		if h.Value == nil {
			fmt.Fprintf(&out, "%s null\n", h.Key)
			continue
		}
		fmt.Fprintf(&out, "%s=%s\n", h.Key, h.Value)
	}
	return out.String()
}

func TestALetterLooksAsItsReadersExpect(t *testing.T) {
	t.Parallel()
	r := refused().Encode()
	want := `traceparent=00-1-2-01
empty=
absent null
__connect.errors.topic=orders
__connect.errors.partition=3
__connect.errors.offset=118273
__connect.errors.connector.name=leadhit-sync
__connect.errors.task.id=3
__connect.errors.stage=TASK_PUT
__connect.errors.class.name=leadhit-sync/leadhit.Client
__connect.errors.exception.class.name=ValidationError
__connect.errors.exception.message=Possible statuses: paid, submitted
dlq.schema=1
dlq.id=orders/3/118273
dlq.order_id=4711
dlq.status=lost
dlq.failed.at=2026-11-22T09:14:03.512Z
dlq.original.timestamp=1795338840123
dlq.error.code=-32000
dlq.fingerprint=` + refused().Fingerprint() + `
dlq.attempts=1
dlq.worker.version=1.9.0+3fa2c1d
dlq.replay.count=0
dlq.decided.by=rules[1]: status == "lost"
`
	if got := dump(r.Headers); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if string(r.Key) != "4711" || string(r.Value) != `{"order_id":"4711","status":"lost"}` {
		t.Errorf("got key %q, value %q, want the event's own", r.Key, r.Value)
	}
}

func TestALetterOfTheMappingNamesTheMapping(t *testing.T) {
	t.Parallel()
	l := deadletter.Letter{Record: event.Record{Place: event.Place{Topic: "t"}}, Item: 2, Stage: deadletter.StageMapping, Cause: "NotJSON", ReplayCount: 1, ReplayRun: "r_01"}
	got := dump(l.Encode().Headers)
	for _, want := range []string{
		"__connect.errors.stage=VALUE_CONVERTER\n", "__connect.errors.class.name=leadhit-sync/mapping.Mapping\n",
		"__connect.errors.exception.message=(no message)\n", "dlq.id=t/0/0#2\n", "dlq.order_id=\n", "dlq.status=\n",
		"dlq.original.timestamp=-1\n", "dlq.replay.count=1\n", "dlq.replay.run=r_01\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant a line %q", got, want)
		}
	}
}

func TestAReferenceReplacesAValueThatIsTooLarge(t *testing.T) {
	t.Parallel()
	full := refused()
	ref := full.WithoutValue()
	if full.Value == nil || full.Omitted != nil {
		t.Error("the letter itself was changed")
	}
	r := ref.Encode()
	want := "dlq.value=omitted\ndlq.value.size=35\ndlq.value.sha256=" + ref.Omitted.SHA256 + "\n"
	if got := dump(r.Headers); !strings.HasSuffix(got, want) || r.Value != nil || string(r.Key) != "4711" {
		t.Errorf("got value %q, headers\n%s\nwant no value, and at the end\n%s", r.Value, got, want)
	}
	if len(ref.Omitted.SHA256) != 64 || ref.Omitted.Size != 35 {
		t.Errorf("got %+v, want 35 bytes and 64 hex digits", *ref.Omitted)
	}
	if again := ref.WithoutValue(); again.Omitted != ref.Omitted {
		t.Error("a reference of a reference lost the size and the hash")
	}
	back, err := deadletter.Parse(r)
	if err != nil || !reflect.DeepEqual(back, ref) {
		t.Errorf("got %+v, %v, want %+v", back, err, ref)
	}
	both := ref
	both.Value = full.Value
	if got := both.Encode(); got.Value != nil {
		t.Error("got a value in a record that says it was omitted")
	}
	tombstone := deadletter.Letter{Record: event.Record{Place: event.Place{Topic: "t"}}, Item: deadletter.NoItem}
	if got := tombstone.WithoutValue(); got.Omitted != nil {
		t.Error("a tombstone has no value that could be left out")
	}
}

// odd returns a generator of text of at most limit bytes, with any content.
func odd(limit int) *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringN(0, -1, limit), rapid.Just("\x00\n\"\x7f"), rapid.Just("a\xff"), rapid.Just(`"quoted"`),
		rapid.Just("ИМ-2026/№ 395"), rapid.Just(strings.Repeat("\x01", limit)))
}

// bytesOrNil returns a generator of byte slices, which may be nil or empty.
func bytesOrNil() *rapid.Generator[[]byte] {
	return rapid.OneOf(rapid.Just[[]byte](nil), rapid.Just([]byte{}), rapid.SliceOfN(rapid.Byte(), 1, 40))
}

func letters(t *rapid.T) deadletter.Letter {
	word := rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9 ._+-]{0,30}[A-Za-z0-9]`)
	name := rapid.OneOf(rapid.StringN(0, 20, -1), rapid.SampledFrom([]string{
		"dlq.id", "dlq.kept.dlq.id", "dlq.kept.", "dlq.value", "dlq.", "__connect.errors.topic", "__connect.errors.", "traceparent", "dlq",
	}))
	l := deadletter.Letter{
		Record: event.Record{
			Place: event.Place{
				Topic:     rapid.StringMatching(`[a-zA-Z0-9._-]{1,249}`).Draw(t, "topic"),
				Partition: rapid.IntRange(0, 1<<31-1).Draw(t, "partition"),
				Offset:    rapid.Int64Min(0).Draw(t, "offset"),
			},
			Key: bytesOrNil().Draw(t, "key"), Value: bytesOrNil().Draw(t, "value"),
		},
		Item:    rapid.IntRange(-1, 1000).Draw(t, "item"),
		OrderID: odd(512).Draw(t, "order"), Status: odd(512).Draw(t, "status"),
		Stage: rapid.SampledFrom([]string{deadletter.StageCall, deadletter.StageMapping}).Draw(t, "stage"),
		Cause: word.Draw(t, "cause"), Message: rapid.OneOf(odd(3000), word).Draw(t, "message"),
		Code: rapid.Int().Draw(t, "code"), Attempts: rapid.IntMin(0).Draw(t, "attempts"),
		FailedAt: time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "failed")).UTC(),
		Group:    word.Draw(t, "group"), Version: word.Draw(t, "version"), DecidedBy: rapid.OneOf(rapid.Just(""), word).Draw(t, "decided by"),
		ReplayCount: rapid.IntRange(0, 9).Draw(t, "count"), ReplayRun: rapid.OneOf(rapid.Just(""), word).Draw(t, "run"),
	}
	if rapid.Bool().Draw(t, "has time") {
		l.Time = time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "time")).UTC()
	}
	for range rapid.IntRange(0, 5).Draw(t, "headers") {
		l.Headers = append(l.Headers, event.Header{Key: name.Draw(t, "name"), Value: bytesOrNil().Draw(t, "header")})
	}
	if rapid.Bool().Draw(t, "large") {
		l = l.WithoutValue()
	}
	return l
}

func TestAnyLetterComesBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := letters(t)
		r := l.Encode()
		got, err := deadletter.Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		if again := got.Encode(); !reflect.DeepEqual(again, r) {
			t.Fatalf("got a record with\n%s\nwritten once more\n%s", dump(r.Headers), dump(again.Headers))
		}
		got.Message = l.Message // the stored message is scrubbed; as checked above, scrubbing it again changes nothing
		if !reflect.DeepEqual(got, l) {
			t.Fatalf("got  %#v\nwant %#v", got, l)
		}
		brief, ok := deadletter.ParseBrief(r, l.Group)
		if !ok || brief.ID() != l.ID() || brief.OrderID != l.OrderID || brief.ReplayCount != l.ReplayCount ||
			!bytes.Equal(brief.Key, l.Key) {
			t.Fatalf("got %#v, %v in brief, want the same as %#v", brief, ok, l)
		}
	})
}

func TestOnlyLettersOfTheGroupInOurFormAreParsedInBrief(t *testing.T) {
	t.Parallel()
	l := refused()
	for name, r := range map[string]event.Record{
		"another group":      l.Encode(),
		"Kafka Connect's":    {Headers: []event.Header{{Key: "__connect.errors.topic", Value: []byte("orders")}}},
		"without an id":      with(l, "dlq.id", nil),
		"without a time":     with(l, "dlq.failed.at", nil),
		"of a later version": with(l, "dlq.schema", []byte("2")),
		"a malformed count":  with(l, "dlq.replay.count", []byte("many")),
		"a malformed id":     with(l, "dlq.id", []byte("orders/3")),
	} {
		group := l.Group
		if name == "another group" {
			group = "billing"
		}
		if got, ok := deadletter.ParseBrief(r, group); ok {
			t.Errorf("%s: got %+v, want no letter", name, got)
		}
	}
}

func TestAddedHeadersAreCleanShortAndUnique(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := letters(t)
		l.Cause, l.Group = odd(4000).Draw(t, "odd cause"), odd(4000).Draw(t, "odd group")
		l.Version, l.ReplayRun = odd(4000).Draw(t, "odd version"), odd(4000).Draw(t, "odd run")
		l.Message += odd(4000).Draw(t, "odd message")
		r := l.Encode()
		seen, size := map[string]bool{}, 0
		for _, h := range r.Headers[len(l.Headers):] {
			if seen[h.Key] {
				t.Fatalf("got header %s twice", h.Key)
			}
			seen[h.Key] = true
			size += len(h.Key) + len(h.Value)
			isOneLine(t, h)
		}
		if size > 8<<10 {
			t.Fatalf("got %d bytes of added headers, want at most 8192", size)
		}
	})
}

func isOneLine(t *rapid.T, h event.Header) {
	t.Helper()
	if !utf8.Valid(h.Value) || bytes.ContainsFunc(h.Value, unicode.IsControl) || h.Value == nil {
		t.Fatalf("got %s=%q, want text of one line", h.Key, h.Value)
	}
	if h.Key == "__connect.errors.exception.message" && (len(h.Value) == 0 || len(h.Value) > 1024) {
		t.Fatalf("got a message of %d bytes, want 1 to 1024", len(h.Value))
	}
}

func TestAMessageIsCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	l := refused()
	l.Message = strings.Repeat("щ", 2000)
	got, err := deadletter.Parse(l.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Message) > 1024 || len(got.Message) < 1020 || !strings.HasSuffix(got.Message, "щ…") {
		t.Errorf("got %d bytes, ending in %q, want 1 KiB that ends in щ…", len(got.Message), got.Message[len(got.Message)-8:])
	}
}

func TestAnEventsTimeInAnotherUnitIsKept(t *testing.T) {
	t.Parallel()
	for _, ms := range []int64{
		1_795_338_840_123_000_000, 1_795_338_840_123_000, 1_795_338_840, 0, -11_644_473_600_000, math.MaxInt64, math.MinInt64,
	} {
		l := refused()
		l.Time = time.UnixMilli(ms).UTC()
		record := l.Encode()
		at := slices.IndexFunc(record.Headers, func(h event.Header) bool { return h.Key == "dlq.original.timestamp" })
		if got := string(record.Headers[at].Value); got != strconv.FormatInt(ms, 10) {
			t.Errorf("%d: got %q as dlq.original.timestamp, want it as it was", ms, got)
		}
		if back, err := deadletter.Parse(record); err != nil || !back.Time.Equal(l.Time) {
			t.Errorf("%d: got %v, %v, want the letter with its time", ms, back.Time, err)
		}
	}
}

// A reader of Connect's letters fails if one of these headers is missing (bakdata/kafka-dead-letter-analyzer).
func TestOurLettersSatisfyAReaderOfConnectsLetters(t *testing.T) {
	t.Parallel()
	mapping := refused()
	mapping.Stage, mapping.OrderID, mapping.Status, mapping.Code = deadletter.StageMapping, "", "", 0
	bare := deadletter.Letter{Record: event.Record{Place: event.Place{Topic: "orders"}}, Item: deadletter.NoItem}
	for name, l := range map[string]deadletter.Letter{
		"a refused call": refused(), "a refused event": mapping, "a reference": refused().WithoutValue(), "a bare letter": bare,
	} {
		headers := connectHeaders(t, l)
		for _, required := range []string{"stage", "class.name", "connector.name", "task.id", "topic", "partition", "offset"} {
			if _, there := headers[required]; !there {
				t.Errorf("%s: got no header %s", name, required)
			}
		}
		for _, number := range []string{"task.id", "partition"} {
			if _, err := strconv.ParseInt(headers[number], 10, 32); err != nil {
				t.Errorf("%s: got %v for %s, want an integer", name, err, number)
			}
		}
	}
}

// connectHeaders returns a letter's Connect headers without their prefix. Each must appear only once.
func connectHeaders(t *testing.T, l deadletter.Letter) map[string]string {
	t.Helper()
	headers := map[string]string{}
	for _, h := range l.Encode().Headers {
		name, connects := strings.CutPrefix(h.Key, "__connect.errors.")
		if _, twice := headers[name]; twice {
			t.Errorf("got header %s twice", h.Key)
		}
		if connects {
			headers[name] = string(h.Value)
		}
	}
	return headers
}
