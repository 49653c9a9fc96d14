package view_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/view"
)

// hour is when the letters of a test start to fail.
var hour = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// letter returns the letter of the event at the given offset. Its FailedAt is the variable hour plus offset minutes.
func letter(offset int64, change ...func(*deadletter.Letter)) deadletter.Letter {
	l := deadletter.Letter{
		Record: event.Record{
			Place: event.Place{Topic: "orders", Partition: 3, Offset: offset},
			Key:   []byte("4711"), Value: []byte(`{"order_id":"4711","status":"lost"}`),
			Headers: []event.Header{{Key: "shop", Value: []byte("north/7")}},
		},
		Item: deadletter.NoItem, OrderID: "4711", Status: "lost", Stage: deadletter.StageCall, Cause: "ValidationError",
		Message: "Possible statuses: paid, submitted", Code: -32000, Attempts: 1,
		FailedAt: hour.Add(time.Duration(offset) * time.Minute), Group: "shop", Version: "1.9.0+3fa2c1d",
	}
	for _, c := range change {
		c(&l)
	}
	return l
}

// topics are the records that a test puts into the letters' topic and the ledger.
type topics struct {
	letters, entries []event.Record
}

func (w *topics) letter(l deadletter.Letter) {
	r := l.Encode()
	r.Place = event.Place{Topic: "dlq.shop", Offset: int64(len(w.letters))}
	r.Time = l.FailedAt.Add(time.Second)
	w.letters = append(w.letters, r)
}

func (w *topics) entry(e ledger.Entry) {
	if e.By == "" {
		e.By = "alice"
	}
	if e.At.IsZero() {
		e.At = hour.Add(time.Duration(len(w.entries)+1) * time.Second)
	}
	_, value, err := e.Record()
	if err != nil {
		panic(err)
	}
	w.entries = append(w.entries, event.Record{Value: value})
}

func (w *topics) view(headers ...string) *view.View {
	v := view.New("shop", headers...)
	for _, r := range w.letters {
		_, _ = v.Letter(r)
	}
	for _, r := range w.entries {
		v.Entry(r)
	}
	return v
}

func idOf(offset int64) ledger.ID {
	return ledger.ID{Topic: "orders", Partition: 3, Offset: offset, Item: ledger.NoItem}
}

// about returns an entry for group shop about the letter of the event at the given offset.
func about(ev ledger.Event, offset int64, n int) ledger.Entry {
	return ledger.Entry{Event: ev, Group: "shop", ID: idOf(offset).String(), N: n}
}

func offsets(v *view.View, f view.Filter) []int64 {
	var all []int64
	for l := range v.Letters(f) {
		all = append(all, l.Offset)
	}
	return all
}

// variousLetters returns letters that differ from the usual one in one respect each; letter 0 does not differ.
func variousLetters() topics {
	var w topics
	for i, change := range []func(*deadletter.Letter){
		func(*deadletter.Letter) {},
		func(l *deadletter.Letter) { l.Cause, l.Code = "InvalidParams", -32602 },
		func(l *deadletter.Letter) { l.OrderID = "4712" },
		func(l *deadletter.Letter) { l.Topic = "returns" },
		func(l *deadletter.Letter) { l.Version = "1.10.0" },
		func(l *deadletter.Letter) { l.Headers = nil },
		func(l *deadletter.Letter) { l.Version = "dev" },
		func(l *deadletter.Letter) { l.Group = "billing" },
	} {
		w.letter(letter(int64(i), change))
	}
	return w
}

func TestAFilterSelectsLetters(t *testing.T) {
	t.Parallel()
	w := variousLetters()
	w.entry(about(ledger.LetterDismissed, 2, 0))
	w.entry(about(ledger.LetterReplay, 4, 1))
	v := w.view("shop")
	one, _ := v.Find(idOf(1))
	for _, c := range []struct {
		name   string
		filter view.Filter
		want   []int64
	}{
		{"none", view.Filter{}, []int64{0, 1, 2, 4, 5, 6, 3}},
		{"all groups", view.Filter{AllGroups: true}, []int64{0, 1, 2, 4, 5, 6, 7, 3}},
		{"a cause", view.Filter{Cause: "InvalidParams"}, []int64{1}},
		{"a topic", view.Filter{Topic: "returns"}, []int64{3}},
		{"a fingerprint", view.Filter{Fingerprint: one.Fingerprint()}, []int64{1}},
		{"a code", view.Filter{Code: "-32602"}, []int64{1}},
		{"orders", view.Filter{Orders: []string{"4712", "x"}}, []int64{2}},
		{"ids", view.Filter{IDs: []ledger.ID{idOf(6), idOf(0), idOf(7)}}, []int64{0, 6}},
		{"dismissed", view.Filter{States: []fold.State{fold.Dismissed}}, []int64{2}},
		{"open or requeued", view.Filter{States: []fold.State{fold.Open, fold.Requeued}}, []int64{0, 1, 4, 5, 6, 3}},
		{"since, inclusive", view.Filter{Since: hour.Add(5 * time.Minute)}, []int64{5, 6}},
		{"until, exclusive", view.Filter{Until: hour.Add(2 * time.Minute)}, []int64{0, 1}},
		{"below a version", view.Filter{Version: "<1.10.0"}, []int64{0, 1, 2, 5, 3}},
		{"up to a version", view.Filter{Version: "<=1.10"}, []int64{0, 1, 2, 4, 5, 3}},
		{"above a version", view.Filter{Version: ">1.9"}, []int64{4}},
		{"from a version", view.Filter{Version: ">=1.10.0-rc1"}, []int64{4}},
		{"a version", view.Filter{Version: "1.10.0"}, []int64{4}},
		{"a version without numbers", view.Filter{Version: "=dev"}, []int64{6}},
		{"a header", view.Filter{Headers: map[string]string{"shop": "n*/?"}}, []int64{0, 1, 2, 4, 6, 3}},
		{"a header's start", view.Filter{Headers: map[string]string{"shop": "north"}}, nil},
		{"a header that was dropped", view.Filter{Headers: map[string]string{"else": "*"}}, nil},
		{"two at once", view.Filter{Cause: "ValidationError", Since: hour.Add(5 * time.Minute)}, []int64{5, 6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := offsets(v, c.filter); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if got, want := c.filter.Empty(), c.name == "none" || c.name == "all groups"; got != want {
				t.Errorf("got %v as Empty, want %v", got, want)
			}
		})
	}
	if got := v.Elsewhere(view.Filter{Cause: "ValidationError"}); got["billing"] != 1 || len(got) != 1 {
		t.Errorf("got %v elsewhere, want one letter of billing", got)
	}
	if foreign, ok := v.Find(idOf(7)); !ok || foreign.Group != "billing" {
		t.Errorf("got %+v, %v, want the letter of the other group", foreign, ok)
	}
}

func TestVersionsOfAFilterAreChecked(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{
		"<1.9.0": true, "1.9": true, ">=v2.0.0": true, "<": false, "": false, "new": false, "<1.x": false,
	} {
		if err := view.CheckVersion(text); (err == nil) != good {
			t.Errorf("%q: got %v, want it accepted: %v", text, err, good)
		}
	}
}

func TestAFilterIsWrittenAsFlags(t *testing.T) {
	t.Parallel()
	f := view.Filter{
		Cause: "Validation Error", Code: "-32000", Orders: []string{"1", "2"}, States: []fold.State{fold.Open},
		Since: hour, Version: "<1.9.0", Headers: map[string]string{"shop": "n*"}, IDs: []ledger.ID{idOf(1)},
	}
	want := `--cause 'Validation Error' --code -32000 --order 1,2 --state open --since 2026-11-22T09:00:00Z ` +
		`--version '<1.9.0' --header 'shop=n*' orders/3/1`
	if got := f.String(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestALetterIsKeptWithoutItsEvent(t *testing.T) {
	t.Parallel()
	var w topics
	whole := letter(1, func(l *deadletter.Letter) { l.Item, l.Time = 2, hour })
	w.letter(whole)
	w.letter(letter(2, func(l *deadletter.Letter) { *l = l.WithoutValue() }))
	w.letter(letter(3, func(l *deadletter.Letter) { l.Value = nil }))
	v := w.view()
	v.Retention = 24 * time.Hour
	all := slices.Collect(v.Letters(view.Filter{}))
	got := all[0]
	if got.Value != nil || got.Headers != nil || got.Key != nil {
		t.Errorf("got key, headers or value, want none")
	}
	if want := whole.Digest(); *got.Digest() != *want || *all[1].Omitted != *want || all[2].Digest() != nil {
		t.Errorf("got %v, %v and %v, want the digest, the digest of what was omitted, and none",
			got.Digest(), all[1].Omitted, all[2].Digest())
	}
	want := whole.WithoutEvent(whole.Digest())
	want.FailedAt = want.FailedAt.UTC()
	if !reflect.DeepEqual(got.Letter, want) {
		t.Errorf("got %+v\nwant %+v", got.Letter, want)
	}
	if !got.Written.Equal(whole.FailedAt.Add(time.Second)) || !got.Expires.Equal(got.Written.Add(24*time.Hour)) ||
		got.Records != 1 || all[1].Place.Offset != 1 {
		t.Errorf("got %+v, want when and where it was written", got)
	}
}

func TestALetterThatFailsAgainKeepsItsFirstFailure(t *testing.T) {
	t.Parallel()
	var w topics
	w.letter(letter(1))
	w.letter(letter(1, func(l *deadletter.Letter) { l.FailedAt, l.ReplayCount, l.Cause = hour.Add(time.Hour), 1, "HTTP 500" }))
	w.letter(letter(1)) // stored again, late
	w.entry(about(ledger.LetterReplay, 1, 1))
	l, _ := w.view().Find(idOf(1))
	if l.Cause != "HTTP 500" || l.Ledger.State != fold.Open || l.Ledger.N != 1 || l.Records != 3 ||
		!l.First.Equal(hour.Add(time.Minute)) {
		t.Errorf("got %+v, want the letter of the replay, and the first failure", l)
	}
}

func TestStatesComeFromTheLedgerOfTheGroup(t *testing.T) {
	t.Parallel()
	var w topics
	for i := range int64(5) {
		w.letter(letter(i))
	}
	w.letter(letter(4, func(l *deadletter.Letter) { l.Group = "billing" }))
	w.entry(about(ledger.LetterDismissed, 1, 0))
	foreign := about(ledger.LetterDismissed, 4, 0)
	foreign.Group = "billing"
	w.entry(foreign)
	nobodys := about(ledger.LetterDismissed, 3, 0)
	nobodys.Group = ""
	w.entry(nobodys)
	gone := about(ledger.LetterReplay, 99, 1)
	w.entry(gone)
	w.entry(about(ledger.LetterReplay, 2, 1))
	failed := about(ledger.LetterFailed, 2, 1)
	failed.Cause = "CannotTell"
	w.entry(failed)
	w.entries = append(w.entries, event.Record{Value: []byte("{")})
	v := w.view()
	got := map[int64]fold.State{}
	for l := range v.Letters(view.Filter{}) {
		got[l.Offset] = l.Ledger.State
	}
	want := map[int64]fold.State{0: fold.Open, 1: fold.Dismissed, 2: fold.Open, 3: fold.Dismissed, 4: fold.Open}
	if !maps.Equal(got, want) || v.Expired() != 1 || v.MalformedEntries != 1 {
		t.Errorf("got %v, %d expired, %d malformed, want %v, 1 and 1", got, v.Expired(), v.MalformedEntries, want)
	}
	if l, ok := v.Find(idOf(99)); !ok || l.Ledger.Known || l.ID() != "orders/3/99" {
		t.Errorf("got %+v, %v, want the id of the letter that expired", l, ok)
	}
	if l, _ := v.Find(idOf(2)); l.Outcome.Event != ledger.LetterFailed || l.Outcome.Cause != "CannotTell" {
		t.Errorf("got %+v, want why the replay failed", l.Outcome)
	}
	if l, _ := v.Find(idOf(1)); l.Outcome.By != "alice" {
		t.Errorf("got %+v, want who dismissed it", l.Outcome)
	}
}

func TestLettersOfKafkaConnectAreGrouped(t *testing.T) {
	t.Parallel()
	v := view.New("sink")
	for i := range 3 {
		record := event.Record{Place: event.Place{Topic: "dlq", Offset: int64(i)}, Time: hour, Value: []byte("{")}
		for name, value := range map[string]string{
			"topic": "orders", "partition": "0", "offset": strconv.Itoa(i), "connector.name": "sink", "task.id": "0",
			"stage": "VALUE_CONVERTER", "class.name": "org.apache.kafka.connect.json.JsonConverter",
			"exception.class.name": "org.apache.kafka.connect.errors.DataException",
			"exception.message":    fmt.Sprintf("Converting byte[] failed at %d", i), "exception.stacktrace": "…",
		} {
			record.Headers = append(record.Headers, event.Header{Key: "__connect.errors." + name, Value: []byte(value)})
		}
		if _, err := v.Letter(record); err != nil {
			t.Fatal(err)
		}
	}
	causes := v.Causes(view.Filter{}, hour.Add(48*time.Hour))
	if len(causes) != 1 || causes[0].Letters != 3 || causes[0].Orders != 0 || !causes[0].First.Equal(hour) ||
		causes[0].Name != "org.apache.kafka.connect.errors.DataException" {
		t.Errorf("got %+v, want one cause of three letters, failed when they were written", causes)
	}
}

func TestReadersThatInterleaveTheTopicsAgree(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		w := randomTopics(random)
		want := dump(w.view())
		mixed := view.New("shop")
		for i, j := 0, 0; i < len(w.letters) || j < len(w.entries); {
			if j == len(w.entries) || i < len(w.letters) && random.IntN(2) == 0 {
				_, _ = mixed.Letter(w.letters[i])
				i++
			} else {
				mixed.Entry(w.entries[j])
				j++
			}
		}
		if got := dump(mixed); got != want {
			t.Fatalf("seed %d: got\n%s\nwant\n%s", seed, got, want)
		}
	}
}

func randomTopics(random *rand.Rand) topics {
	var w topics
	events := []ledger.Event{
		ledger.LetterReplay, ledger.LetterReplay, ledger.LetterDismissed, ledger.LetterReopened, ledger.LetterResolved,
		ledger.LetterSuperseded, ledger.LetterFailed, ledger.LetterOvertaken,
	}
	for range 30 {
		w.letter(letter(random.Int64N(4), func(l *deadletter.Letter) {
			l.ReplayCount = random.IntN(3)
			l.Group = []string{"shop", "billing", ""}[random.IntN(3)]
		}))
		e := about(events[random.IntN(len(events))], random.Int64N(4), 1+random.IntN(3))
		e.Run, e.Group = []string{"", "r1", "r2"}[random.IntN(3)], []string{"shop", "shop", "billing", ""}[random.IntN(4)]
		w.entry(e)
	}
	return w
}

// dump returns everything that a view reports, as text.
func dump(v *view.View) string {
	var out strings.Builder
	for l := range v.Letters(view.Filter{AllGroups: true}) {
		fmt.Fprintln(&out, l.ID(), l.Group, l.Ledger.State, l.Ledger.N, l.Ledger.Overtaken, l.ReplayCount, l.First, l.Records, l.Outcome)
	}
	fmt.Fprintln(&out, v.Runs(), v.Expired())
	return out.String()
}

func TestTheMemoryOfAViewIsBounded(t *testing.T) { //nolint:paralleltest // measures the heap
	const letters = 200_000
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	v := view.New("shop")
	value := []byte(strings.Repeat("x", 1600))
	began := time.Now()
	for i := range letters {
		l := letter(int64(i), func(l *deadletter.Letter) {
			l.OrderID, l.Partition, l.Value = strconv.Itoa(4_000_000+i/3), i%12, value
		})
		r := l.Encode()
		r.Offset, r.Time = int64(i), l.FailedAt
		if _, err := v.Letter(r); err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(began)
	each := (heap() - before) / letters
	t.Logf("%d letters of %d orders: %d bytes each, read in %v", letters, letters/3, each, took)
	if each > 700 {
		t.Errorf("got %d bytes per letter, want at most 700", each)
	}
	runtime.KeepAlive(v)
}

func TestALongHashOfAnotherProgramIsLeftOut(t *testing.T) {
	t.Parallel()
	v := view.New("shop")
	r := letter(1, func(l *deadletter.Letter) {
		l.Value, l.Omitted = nil, &deadletter.Digest{Size: 7, SHA256: strings.Repeat("ab", 33)}
	}).Encode()
	if _, err := v.Letter(r); err != nil {
		t.Fatal(err)
	}
	l, _ := v.Find(idOf(1))
	if got := l.Digest(); got == nil || got.Size != 7 || strings.Trim(got.SHA256, "0") != "" {
		t.Errorf("got %+v, want 7 bytes and no hash", got)
	}
}

// TestAListAgreesWithALoopOverAllLetters compares lists with what a loop over all letters finds, for random letters.
func TestAListAgreesWithALoopOverAllLetters(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var w topics
	for i := range int64(6000) {
		w.letter(letter(i, func(l *deadletter.Letter) {
			l.OrderID, l.Cause = strconv.Itoa(random.IntN(500)), fmt.Sprint("Cause", random.IntN(2))
			l.FailedAt = hour.Add(time.Duration(random.IntN(1000)) * time.Minute)
		}))
		if random.IntN(3) == 0 {
			w.entry(ledger.Entry{Event: ledger.LetterDismissed, Group: "shop", ID: idOf(i).String(), Reason: "by hand"})
		}
	}
	v := w.view()
	v.Retention = time.Hour
	for _, by := range []string{"failed", "expires", "order"} {
		for _, limit := range []int{1, 50, 5000} {
			f := view.Filter{Cause: "Cause1", States: []fold.State{fold.Open}}
			want := slices.SortedFunc(v.Letters(f), inOrder(by))
			total := len(want)
			got := v.List(f, view.Sort(by), limit)
			if !reflect.DeepEqual(got.Letters, want[:min(limit, total)]) || got.Total != total || got.Records != total {
				t.Errorf("%s, limit %d: got %d of %d letters, want the first of %d", by, limit, len(got.Letters), got.Total, total)
			}
			slices.Reverse(want)
			got = v.List(f, view.Sort("-"+by), limit)
			if !reflect.DeepEqual(got.Letters, want[:min(limit, total)]) {
				t.Errorf("-%s, limit %d: got %d letters in another order", by, limit, len(got.Letters))
			}
		}
	}
	countsAreThose(t, v)
}

// countsAreThose compares the counts of a list with what a loop over all letters finds.
func countsAreThose(t *testing.T, v *view.View) {
	t.Helper()
	list, open := v.List(view.Filter{Cause: "Cause1", States: []fold.State{fold.Open}}, "failed", 1), 0
	for l := range v.Letters(view.Filter{Cause: "Cause1"}) {
		list.Causes["Cause1"]--
		list.States[l.Ledger.State]--
		if l.Ledger.State == fold.Open {
			open++
		}
	}
	if list.Causes["Cause1"] != 0 || list.States[fold.Open] != 0 || list.States[fold.Dismissed] != 0 || list.Total != open ||
		list.Topics["orders"] != 6000 || list.Newest.Before(hour.Add(900*time.Minute)) {
		t.Errorf("got %+v after each letter was subtracted from its cause and state, want zeros there and a total of %d", list, open)
	}
}

// inOrder returns a function that compares two letters as a list in the given order does.
func inOrder(by string) func(a, b view.Letter) int {
	return func(a, b view.Letter) int {
		var c int
		switch by {
		case "failed":
			c = a.FailedAt.Compare(b.FailedAt)
		case "expires":
			c = a.Expires.Compare(b.Expires)
		default:
			c = strings.Compare(a.OrderID, b.OrderID)
		}
		return cmp.Or(c, cmp.Compare(a.Place.Offset, b.Place.Offset))
	}
}
