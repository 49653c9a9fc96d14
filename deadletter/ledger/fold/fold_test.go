package fold_test

import (
	"encoding/binary"
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

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

// Two operators replay a letter at the same time, and the first replay counts. LeadHit refuses the event again, so it
// comes back as a letter.
func ExampleFold() {
	id := ledger.ID{Topic: "orders", Partition: 3, Offset: 118273, Item: ledger.NoItem}
	replay := ledger.Entry{Event: ledger.LetterReplay, ID: id.String(), N: 1, Letter: 512, By: "alice", At: time.Unix(1, 0)}
	second := replay
	second.By = "bob"

	var letters fold.Fold
	letters.Add(fold.Letter{ID: id, Order: "4711", Offset: 512})
	fmt.Println(letters.Follow(replay), letters.Follow(second))
	is, _ := letters.Letter(id)
	fmt.Println(is.State, "by", is.Replay.By)

	letters.Add(fold.Letter{ID: id, Order: "4711", Count: 1, Offset: 513})
	is, _ = letters.Letter(id)
	fmt.Println(is.State, "after", is.N, "replay")
	// Output:
	// true false
	// requeued by alice
	// open after 1 replay
}

// step applies one line of a table: "letter N", or an event, a number and an author. It reports whether an entry
// counted.
func step(t *testing.T, f *fold.Fold, at int, line string) bool {
	t.Helper()
	words := append(strings.Fields(line), "alice")
	n, err := strconv.Atoi(words[1])
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if words[0] == "letter" {
		f.Add(fold.Letter{ID: one, Order: "4711", Count: n, Offset: int64(at)})
		return true
	}
	return f.Follow(ledger.Entry{
		Event: ledger.Event(words[0]), ID: one.String(), N: n, By: words[2], At: time.Unix(int64(at), 0), Newer: "orders/0/9",
	})
}

var one = ledger.ID{Topic: "orders", Offset: 7, Item: ledger.NoItem}

func TestTheStateOfALetter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		steps string // a "!" before a line says that the entry does not count
		want  fold.State
		n     int
	}{
		"a letter is open":                                 {"letter 0", fold.Open, 0},
		"a replay waits for its outcome":                   {"letter 0; replay 1", fold.Requeued, 1},
		"accepted":                                         {"letter 0; replay 1; resolved 1", fold.Resolved, 1},
		"a newer event was accepted":                       {"letter 0; replay 1; superseded 1", fold.Superseded, 1},
		"ended without a call":                             {"letter 0; replay 1; failed 1", fold.Open, 1},
		"refused again":                                    {"letter 0; replay 1; letter 1", fold.Open, 1},
		"a copy of the first letter is no outcome":         {"letter 0; replay 1; letter 0", fold.Requeued, 1},
		"accepted and refused":                             {"letter 0; replay 1; letter 1; resolved 1", fold.Resolved, 1},
		"the first of two operators' replays counts":       {"letter 0; replay 1 bob; !replay 1 alice", fold.Requeued, 1},
		"replayed twice":                                   {"letter 0; replay 1; letter 1; replay 2", fold.Requeued, 2},
		"a replay's number cannot be skipped":              {"letter 0; !replay 2", fold.Open, 0},
		"an outcome of a former replay":                    {"letter 0; replay 1; letter 1; replay 2; !resolved 1", fold.Requeued, 2},
		"one outcome per replay":                           {"letter 0; replay 1; failed 1; !resolved 1", fold.Open, 1},
		"accepted after a crash":                           {"letter 0; resolved 0", fold.Resolved, 0},
		"resolved letters are not replayed":                {"letter 0; resolved 0; !replay 1", fold.Resolved, 0},
		"dismissed":                                        {"letter 0; dismissed 0; !replay 1", fold.Dismissed, 0},
		"dismissed by a person who saw less":               {"letter 0; replay 1; letter 1; !dismissed 0", fold.Open, 1},
		"reopened":                                         {"letter 0; dismissed 0; reopened 0", fold.Open, 0},
		"reopened and replayed":                            {"letter 0; replay 1; resolved 1; reopened 1; replay 2", fold.Requeued, 2},
		"nothing to reopen":                                {"letter 0; !reopened 0", fold.Open, 0},
		"a requeued letter is dismissed":                   {"letter 0; replay 1; dismissed 1", fold.Dismissed, 1},
		"a requeued letter is dismissed, then reopened":    {"letter 0; replay 1; dismissed 1; reopened 1", fold.Open, 1},
		"accepted although dismissed":                      {"letter 0; replay 1; dismissed 1; resolved 1", fold.Resolved, 1},
		"accepted although reopened":                       {"letter 0; replay 1; dismissed 1; reopened 1; resolved 1", fold.Resolved, 1},
		"dismissed before it is superseded":                {"letter 0; replay 1; dismissed 1; superseded 1", fold.Dismissed, 1},
		"a copy of an outcome after reopening":             {"letter 0; replay 1; resolved 1; reopened 1; !resolved 1", fold.Open, 1},
		"a letter that nobody read":                        {"replay 1", fold.Requeued, 1},
		"an outcome for a replay that nobody wrote":        {"letter 0; !resolved 1", fold.Open, 0},
		"a mark changes no state":                          {"letter 0; overtaken 0; !overtaken 0; replay 1", fold.Requeued, 1},
		"a look at a value changes no state":               {"letter 0; !revealed 0", fold.Open, 0},
		"an entry about a run is about no letter":          {"letter 0; !run.start 0; !run.stop 0", fold.Open, 0},
		"an event of a later release is about no letter":   {"letter 0; !archived 0", fold.Open, 0},
		"the letter of a replay is read before its replay": {"letter 0; letter 1; replay 1", fold.Open, 1},
	} {
		var f fold.Fold
		for i, line := range strings.Split(c.steps, ";") {
			line, not := strings.CutPrefix(strings.TrimSpace(line), "!")
			if got := step(t, &f, i, line); got == not {
				t.Errorf("%s: %q counted: %v", name, line, got)
			}
		}
		if got, ok := f.Letter(one); !ok || got.State != c.want || got.N != c.n {
			t.Errorf("%s: got %+v, %v, want %s after %d replays", name, got, ok, c.want, c.n)
		}
	}
}

func TestARetriedWriteNeverCountsLater(t *testing.T) {
	t.Parallel()
	at := time.Unix(1, 0)
	entry := func(event ledger.Event, n int, by string) ledger.Entry {
		return ledger.Entry{Event: event, ID: one.String(), N: n, By: by, At: at}
	}
	var f fold.Fold
	f.Add(fold.Letter{ID: one})
	for _, e := range []struct {
		ledger.Entry
		counts bool
	}{
		{entry(ledger.LetterDismissed, 0, "alice"), true},
		{entry(ledger.LetterReplay, 1, "bob"), false}, // dismissed: bob is told so
		{entry(ledger.LetterReopened, 0, "alice"), true},
		{entry(ledger.LetterReplay, 1, "bob"), false}, // the copy of a write without a response
		{entry(ledger.LetterDismissed, 0, "alice"), false},
		{entry(ledger.LetterReplay, 1, "carol"), true},
	} {
		if got := f.Follow(e.Entry); got != e.counts {
			t.Errorf("%s %d by %s counted: %v, want %v", e.Event, e.N, e.By, got, e.counts)
		}
	}
}

func TestOlderLettersOfAnOrderAreFoundByOrderOrKey(t *testing.T) {
	t.Parallel()
	key := fold.KeyHash([]byte("4711"))
	at := func(topic string, partition int, offset int64) ledger.ID {
		return ledger.ID{Topic: topic, Partition: partition, Offset: offset, Item: ledger.NoItem}
	}
	var f fold.Fold
	add := func(id ledger.ID, order string, key uint64) {
		f.Add(fold.Letter{ID: id, Order: order, Key: key})
	}
	add(at("orders", 3, 10), "4711", 1)
	add(at("orders", 3, 30), "4711", 1) // newer than the accepted event
	add(at("orders", 3, 20), "4711", 1) // the accepted event itself
	add(at("orders", 4, 30), "4711", 1)
	add(at("returns", 3, 30), "4711", 1)
	add(at("orders", 3, 11), "", key) // the mapping found no order
	add(at("orders", 3, 12), "", key+1)
	add(at("orders", 3, 16), "", key)
	add(at("orders", 3, 13), "4712", key)
	add(at("orders", 3, 14), "4711", 1)
	add(at("orders", 3, 15), "4711", 1)
	follow := func(event ledger.Event, id ledger.ID, n int) {
		f.Follow(ledger.Entry{Event: event, ID: id.String(), N: n, By: "alice", At: time.Unix(1, 0)})
	}
	follow(ledger.LetterDismissed, at("orders", 3, 14), 0)
	follow(ledger.LetterReplay, at("orders", 3, 15), 1)
	older := func() string {
		var all []string
		for _, id := range f.Older(at("orders", 3, 20), "4711", key) {
			all = append(all, id.String())
		}
		slices.Sort(all)
		return strings.Join(all, " ")
	}
	if got, want := older(), "orders/3/10 orders/3/11 orders/3/14 orders/3/15 orders/3/16 orders/4/30 returns/3/30"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	follow(ledger.LetterOvertaken, at("orders", 3, 10), 0)
	add(at("orders", 3, 11), "4712", key) // a later letter of the event has the event's order id
	if got, want := older(), "orders/3/14 orders/3/15 orders/3/16 orders/4/30 returns/3/30"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := f.Older(at("orders", 3, 20), "4711", 5); len(got) != 5 {
		t.Errorf("got %v for an event with another key, want the letter whose key is the order's id too", got)
	}
	if got := f.Older(at("orders", 3, 20), "", 0); got != nil {
		t.Errorf("got %v for an event without order and key, want nothing", got)
	}
}

func TestANewLedgerKeepsOnlyTheMarks(t *testing.T) {
	t.Parallel()
	var f fold.Fold
	for i, line := range []string{"letter 0", "overtaken 0", "replay 1", "resolved 1"} {
		step(t, &f, i, line)
	}
	f.Lost()
	if got, _ := f.Letter(one); got.State != fold.Open || got.N != 0 || !got.Overtaken || got.Replay != nil {
		t.Errorf("got %+v, want an open letter with its mark", got)
	}
}

// statuses returns the status of each letter of a fold, by id.
func statuses(f *fold.Fold) map[string]fold.Status {
	all := map[string]fold.Status{}
	for s := range f.Letters() {
		all[s.ID.String()] = s
	}
	return all
}

// FuzzFold writes letters and entries at random. All readers of the same records must agree, whatever they read first
// and wherever they stop; and a retried write must change nothing.
func FuzzFold(f *testing.F) {
	f.Add(uint64(1), []byte("a few letters, and what becomes of them; a few more entries about them, and others"))
	f.Add(uint64(2), []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25})
	f.Add(uint64(3), binary.BigEndian.AppendUint64(nil, 0x0123456789abcdef))
	f.Fuzz(checkHistory)
}

func TestAllReadersOfTheSameRecordsAgree(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 1))
		script := make([]byte, 5+random.IntN(30))
		for i := range script {
			script[i] = byte(random.IntN(256))
		}
		checkHistory(t, seed, script)
	}
}

func checkHistory(t *testing.T, seed uint64, script []byte) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	h := history{horizon: random.IntN(3) * 5}
	for i, b := range script[:min(len(script), 40)] {
		h.write(random, i, b)
	}
	h.checkReaders(t, random)
	h.checkRepeats(t, random)
}

// history is the content of the two topics.
type history struct {
	horizon int
	letters []fold.Letter
	entries []ledger.Entry
	fold    fold.Fold
}

// write appends a letter or an entry.
func (h *history) write(random *rand.Rand, at int, what byte) {
	id := ledger.ID{Topic: "orders", Offset: int64(what % 3), Item: ledger.NoItem}
	is, _ := h.fold.Letter(id)
	kinds := []ledger.Event{
		ledger.LetterReplay, ledger.LetterReplay, ledger.LetterResolved, ledger.LetterSuperseded, ledger.LetterFailed,
		ledger.LetterOvertaken, ledger.LetterDismissed, ledger.LetterReopened,
	}
	kind := int(what/3) % (len(kinds) + 2)
	if kind >= len(kinds) {
		l := fold.Letter{ID: id, Order: []string{"", "a", "b"}[random.IntN(3)], Key: random.Uint64N(3), Count: random.IntN(is.N + 2), Offset: int64(at)}
		if h.horizon > 0 {
			l.Count = max(l.Count, is.Count) // otherwise readers disagree once the newer record is beyond the horizon
		}
		h.letters = append(h.letters, l)
		h.fold.Add(l)
		return
	}
	e := ledger.Entry{
		Event: kinds[kind], ID: id.String(), N: max(0, is.N-random.IntN(2)), By: []string{"alice", "bob"}[random.IntN(2)],
		At: time.Unix(int64(at), 0), Newer: strconv.Itoa(random.IntN(3)),
	}
	if e.Event == ledger.LetterReplay {
		e.N++
	}
	h.entries = append(h.entries, e)
	h.fold.Follow(e)
}

func (h *history) new() *fold.Fold { return &fold.Fold{Horizon: h.horizon} }

// checkReaders compares a reader that reads both topics alternately with readers that read one topic after the other.
func (h *history) checkReaders(t *testing.T, random *rand.Rand) {
	t.Helper()
	mixed := h.new()
	for i, j := 0, 0; i < len(h.letters) || j < len(h.entries); {
		if j == len(h.entries) || i < len(h.letters) && random.IntN(2) == 0 {
			mixed.Add(h.letters[i])
			i++
		} else {
			mixed.Follow(h.entries[j])
			j++
		}
		first, second := h.new(), h.new()
		h.read(first, i, 0)
		h.follow(first, j)
		h.follow(second, j)
		h.read(second, i, 0)
		// A reader that starts late reads only the newest letters.
		if late := h.new(); h.horizon > 0 {
			h.read(late, i, max(0, i-h.horizon))
			h.follow(late, j)
			same(t, "a late reader", statuses(late), statuses(first))
		}
		same(t, "the ledger first", statuses(second), statuses(first))
		same(t, "alternately", statuses(mixed), statuses(first))
	}
}

func (h *history) read(f *fold.Fold, to, from int) {
	for _, l := range h.letters[from:to] {
		f.Add(l)
	}
}

func (h *history) follow(f *fold.Fold, to int) {
	for _, e := range h.entries[:to] {
		f.Follow(e)
	}
}

func same(t *testing.T, reader string, got, want map[string]fold.Status) {
	t.Helper()
	if reflect.DeepEqual(got, want) {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		t.Errorf("%s: %s: got %+v\nwant %+v", reader, id, got[id], want[id])
	}
	t.Fatalf("%s: got %d letters, want %d", reader, len(got), len(want))
}

// checkRepeats follows each entry with a copy of that entry or of an earlier one.
func (h *history) checkRepeats(t *testing.T, random *rand.Rand) {
	t.Helper()
	var again fold.Fold
	for i, e := range h.entries {
		again.Follow(e)
		before := statuses(&again)
		again.Follow(h.entries[random.IntN(i+1)])
		same(t, fmt.Sprintf("a repeat after entry %d", i), statuses(&again), before)
	}
}

func TestTheMemoryOfALetter(t *testing.T) { //nolint:paralleltest // measures the heap
	const letters = 200_000
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	f := &fold.Fold{Horizon: letters}
	for i := range letters {
		order := strconv.Itoa(4_000_000 + i/3)
		f.Add(fold.Letter{
			ID:    ledger.ID{Topic: "orders", Partition: i % 12, Offset: int64(i), Item: ledger.NoItem},
			Order: order, Key: fold.KeyHash([]byte(order)), Offset: int64(i), Stored: time.Unix(int64(i), 1),
		})
	}
	each := (heap() - before) / letters
	t.Logf("%d open letters of %d orders: %d bytes each", letters, letters/3, each)
	if each > 300 {
		t.Errorf("got %d bytes per letter, want at most 300", each)
	}
	runtime.KeepAlive(f)
}
