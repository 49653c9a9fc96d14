package deadletter_test

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"leadhit-sync/consumer/event"
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
func topicOf(err error, letters ...deadletter.Letter) iter.Seq2[event.Record, error] {
	return func(yield func(event.Record, error) bool) {
		for _, l := range letters {
			if !yield(l.Encode(), nil) {
				return
			}
		}
		if err != nil {
			yield(event.Record{}, err)
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

func TestAListKeepsFiftyByDefault(t *testing.T) {
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
	for _, l := range found.Letters {
		if l.Value != nil || l.Headers != nil {
			t.Errorf("%s: got its value and headers, want none", l.ID())
		}
	}
	shown, err := deadletter.List(topicOf(nil, numbered(1)), deadletter.Filter{ID: numbered(1).ID()})
	if err != nil || len(shown.Letters) != 1 || shown.Letters[0].Value == nil || shown.Letters[0].Headers == nil {
		t.Fatalf("got %+v, %v, want the letter with its event", shown, err)
	}
	if got, want := found.Letters[1].Digest(), shown.Letters[0].Digest(); got == nil || *got != *want {
		t.Errorf("got %v of the value, want %v as before it was dropped", got, want)
	}
}

func TestABrokenRecordDoesNotHideItsNeighbours(t *testing.T) {
	t.Parallel()
	records := func(yield func(event.Record, error) bool) {
		_ = yield(numbered(1).Encode(), nil) && yield(event.Record{}, nil) && yield(numbered(2).Encode(), nil)
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

func TestAListCountsTheLettersThatItLeavesOut(t *testing.T) {
	t.Parallel()
	var letters []deadletter.Letter
	for i := range 117 {
		letters = append(letters, numbered(int64(i)))
	}
	letters = append(letters, letters[3]) // stored twice, counted once
	found, err := deadletter.List(topicOf(nil, letters...), deadletter.Filter{})
	if err != nil || found.Total != 117 || len(found.Letters) != 50 {
		t.Fatalf("got %d of %d letters, %v, want 50 of 117", len(found.Letters), found.Total, err)
	}
}

func TestAListCountsCausesAndTopicsWhateverTheFilter(t *testing.T) {
	t.Parallel()
	letters := []deadletter.Letter{numbered(1), numbered(2)}
	letters[0].Cause = "NotJSON"
	found, err := deadletter.List(topicOf(nil, letters...), deadletter.Filter{Cause: "notjson"})
	if err != nil || found.Causes["ValidationError"] != 1 || found.Causes["NotJSON"] != 1 || found.Topics["orders"] != 2 || !found.Newest.Equal(letters[1].FailedAt) {
		t.Errorf("got %+v, %v, want counts of both letters", found, err)
	}
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
}

func TestAnEventsTimeInAnotherUnitIsKept(t *testing.T) {
	t.Parallel()
	for _, ms := range []int64{1_795_338_840_123_000_000, 1_795_338_840_123_000, 1_795_338_840, 0, -11_644_473_600_000, math.MaxInt64, math.MinInt64} {
		l := numbered(1)
		l.Time = time.UnixMilli(ms).UTC()
		record := l.Encode()
		if got := header(record, "dlq.original.timestamp"); got != strconv.FormatInt(ms, 10) {
			t.Errorf("%d: got %q as dlq.original.timestamp, want it as it was", ms, got)
		}
		found, err := deadletter.List(topicOf(nil, l), deadletter.Filter{})
		if err != nil || len(found.Letters) != 1 || !found.Letters[0].Time.Equal(l.Time) {
			t.Fatalf("%d: got %+v, %v, want the letter with its time", ms, found, err)
		}
	}
}

func header(r event.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

func TestLettersOfOtherGroupsAreCountedAndNotListed(t *testing.T) {
	t.Parallel()
	of := func(group string, offset int64, cause string) event.Record {
		l := refused()
		l.Group, l.Offset, l.Cause = group, offset, cause
		return l.Encode()
	}
	records := []event.Record{
		of("shop", 1, "ValidationError"), of("billing", 1, "ValidationError"), of("billing", 2, "ValidationError"),
		of("billing", 3, "NotJSON"), of("", 4, "ValidationError"), of("shop", 1, "ValidationError"),
	}
	all := func(yield func(event.Record, error) bool) {
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
