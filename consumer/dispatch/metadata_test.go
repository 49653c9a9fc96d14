package dispatch_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/dispatch/turn"
)

func ExampleParseMetadata() {
	// Offsets 100, 103 and 140 are not finished; everything else below 150 is.
	text, _ := dispatch.FormatMetadata([]int64{100, 103, 140}, time.UnixMilli(1_700_000_000_000), 150, 4096)
	fmt.Println(text)
	frontier, unfinished, _ := dispatch.ParseMetadata(text)
	fmt.Println(frontier, unfinished)
	// Output:
	// 1,000000000002s,0loyw3v28,1e,3,11
	// 150 [100 103 140]
}

func TestWhatIsNotOurMetadataIsRefused(t *testing.T) {
	t.Parallel()
	good := "1,000000000002s,0loyw3v28,1e,3,11"
	if _, _, ok := dispatch.ParseMetadata(good); !ok {
		t.Fatalf("%q: refused, want accepted", good)
	}
	for name, text := range map[string]string{
		"nothing":                   "",
		"another version":           "2" + good[1:],
		"a short offset":            strings.Replace(good, ",0", ",", 1),
		"no stamp":                  "1,000000000002s,,1e,3,11",
		"a sign":                    "1,+00000000002s,0loyw3v28,1e,3,11",
		"a negative offset":         "1,-00000000002s,0loyw3v28,1e,3,11",
		"an offset that overflows":  "1,zzzzzzzzzzzzz,0loyw3v28,1e,3,11",
		"capitals":                  "1,000000000002S,0loyw3v28,1e,3,11",
		"no distance":               "1,000000000002s,0loyw3v28,0",
		"a frontier that overflows": "1,1y2p0ij32e8e7,0loyw3v28,1e",
		"an empty gap":              good + ",",
		"a gap of nothing":          good + ",0",
		"a gap beyond the frontier": "1,000000000002s,0loyw3v28,1e,3,1c",
		"text":                      "written by hand",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if frontier, unfinished, ok := dispatch.ParseMetadata(text); ok {
				t.Errorf("%q: accepted (%d, %v), want refused", text, frontier, unfinished)
			}
		})
	}
}

// log draws the unfinished offsets of a log, and a frontier above the last of them.
func log(t *rapid.T) (unfinished []int64, frontier int64) {
	at := rapid.Int64Range(0, 1<<40).Draw(t, "first")
	for _, gap := range rapid.SliceOfN(rapid.Int64Range(1, 5000), 0, 60).Draw(t, "gaps") {
		unfinished = append(unfinished, at)
		at += gap
	}
	return append(unfinished, at), at + 1 + rapid.Int64Range(1, 5000).Draw(t, "beyond")
}

func TestMetadataTellsTheTruthWithinItsLimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		unfinished, frontier := log(t)
		limit := rapid.IntRange(0, 300).Draw(t, "limit")
		text, coverage := dispatch.FormatMetadata(unfinished, time.UnixMilli(rapid.Int64().Draw(t, "time")), frontier,
			limit)
		if len(text) > limit {
			t.Fatalf("got %d bytes, limit %d", len(text), limit)
		}
		if text == "" {
			if coverage != unfinished[0] {
				t.Fatalf("the text is empty, but coverage is %d, want %d", coverage, unfinished[0])
			}
			return
		}
		gotFrontier, got, ok := dispatch.ParseMetadata(text)
		want := unfinished[:len(got)]
		if !ok || gotFrontier != coverage || !slices.Equal(got, want) {
			t.Fatalf("%q: got frontier %d, unfinished %v, want %d, %v", text, gotFrontier, got, coverage, want)
		}
		if coverage < frontier && unfinished[len(got)] != coverage {
			t.Fatalf("coverage ends at %d, not at an unfinished offset", coverage)
		}
	})
}

func TestMetadataNeverGrowsWhileEventsFinish(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		unfinished, frontier := log(t)
		at := time.UnixMilli(rapid.Int64Range(0, 1<<41).Draw(t, "time"))
		before, _ := dispatch.FormatMetadata(unfinished, at, frontier, 1<<20)
		left := unfinished
		for len(left) > 1 {
			i := rapid.IntRange(0, len(left)-1).Draw(t, "finished")
			left = slices.Delete(slices.Clone(left), i, i+1)
			after, coverage := dispatch.FormatMetadata(left, at, frontier, len(before))
			if coverage != frontier {
				t.Fatalf("%v of %v do not fit in the %d bytes before: covered up to %d, want %d", left, unfinished,
					len(before), coverage, frontier)
			}
			before = after
		}
	})
}

// The space that calls reserve must be enough, whichever call ends first.
func TestWhicheverStartedCallEndsFirstFitsInTheMetadata(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := settings()
		c.CallsInFlight, c.MetadataBytes = 60, rapid.IntRange(0, 120).Draw(t, "limit")
		h := started(&quiet{TB: nil, rapid: t}, c, orders(0))
		offset, events := int64(0), []turn.Event{}
		for i, gap := range rapid.SliceOfN(rapid.Int64Range(1, 2000), 1, 60).Draw(t, "gaps") {
			events = append(events, eventOf(offset, strconv.Itoa(i)))
			offset += gap
		}
		h.read(orders(0), events...)
		if len(h.calls) == 0 {
			t.Fatal("the lowest event has no call")
		}
		finished := map[int64]bool{}
		for len(h.calls) > 0 && rapid.IntRange(0, 9).Draw(t, "go on") > 0 {
			i := rapid.IntRange(0, len(h.calls)-1).Draw(t, "ends")
			finished[h.calls[i].Offset] = true
			h.accept(orders(0), h.calls[i].Offset)
			h.pass(300 * time.Millisecond)
			if h.commit == nil {
				continue
			}
			checkTold(t, h.commit.Offsets[0], finished)
			h.ack()
		}
	})
}

func checkTold(t *rapid.T, o turn.Offset, finished map[int64]bool) {
	frontier, unfinished, _ := dispatch.ParseMetadata(o.Metadata)
	for done := range finished {
		if done >= o.Next && (done >= frontier || slices.Contains(unfinished, done)) {
			t.Fatalf("event %d is finished, but the commit of %d with metadata %q does not say so", done, o.Next, o.Metadata)
		}
	}
}

// quiet is the testing.TB that the harness gets inside a rapid check: a failure in the harness fails the check.
type quiet struct {
	testing.TB
	rapid *rapid.T
}

func (q *quiet) Helper()                        {}
func (q *quiet) Fatal(args ...any)              { q.rapid.Fatal(args...) }
func (q *quiet) Fatalf(form string, arg ...any) { q.rapid.Fatalf(form, arg...) }

func FuzzParseMetadata(f *testing.F) {
	f.Add("1,000000000002s,0loyw3v28,1e,3,11")
	f.Add("1,000000000002s,---------,1")
	f.Add("1,1y2p0ij32e8e7,0loyw3v28,1e")
	f.Fuzz(func(t *testing.T, text string) {
		frontier, unfinished, ok := dispatch.ParseMetadata(text)
		if !ok {
			return
		}
		if !slices.IsSorted(unfinished) || unfinished[0] < 0 || unfinished[len(unfinished)-1] >= frontier {
			t.Fatalf("%q: unfinished %v, frontier %d", text, unfinished, frontier)
		}
		again, coverage := dispatch.FormatMetadata(unfinished, time.Time{}, frontier, 1<<30)
		if again == "" && frontier == unfinished[0]+1 {
			return // the metadata says nothing
		}
		if f2, u2, ok := dispatch.ParseMetadata(again); !ok || f2 != frontier || coverage != frontier || !slices.Equal(u2, unfinished) {
			t.Fatalf("%q became %q", text, again)
		}
	})
}

func TestACommitSaysWhichEventsAreFinished(t *testing.T) {
	t.Parallel()
	text, _ := dispatch.FormatMetadata([]int64{5, 8}, time.UnixMilli(1_700_000_000_000), 10, 4096)
	for offset, want := range map[int64]bool{4: true, 5: false, 6: true, 8: false, 9: true, 10: false, 11: false} {
		if got := dispatch.Covers(5, text, offset); got != want {
			t.Errorf("%d: got %v, want %v", offset, got, want)
		}
	}
	if dispatch.Covers(4, text, 6) || dispatch.Covers(5, "another program's", 6) || dispatch.Covers(-1, "", 0) {
		t.Error("got an event as finished, want none: the metadata is another commit's or another program's, or missing")
	}
}
