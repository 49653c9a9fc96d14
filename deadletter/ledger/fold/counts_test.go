package fold_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
)

// walked returns the counts of a partition, taken by visiting all letters.
func walked(f *fold.Fold, partition int, since time.Time) fold.Counts {
	var c fold.Counts
	for is := range f.Letters() {
		switch {
		case is.ID.Partition != partition:
		case is.State == fold.Requeued:
			c.Requeued++
		case is.State == fold.Open && !is.Overtaken && is.Known && is.Offset >= 0 && !is.Stored.Before(since):
			c.Open++
			if c.Oldest.IsZero() || is.Stored.Before(c.Oldest) {
				c.Oldest = is.Stored
			}
		}
	}
	return c
}

func TestTheCountsAgreeWithAVisitOfAllLetters(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		f := fold.Fold{Horizon: int(seed % 3 * 20)}
		start := time.Unix(1_800_000_000, 0).UTC()
		since := time.Time{}
		for i := range 3000 {
			happens(&f, random, start, i)
			if seed%2 == 1 && i > 1500 {
				since = start.Add(time.Duration(i-200) * time.Minute)
			}
			for partition := range 2 {
				if got, want := f.Counts("orders", partition, since), walked(&f, partition, since); got != want {
					t.Fatalf("seed %d, step %d, partition %d: got %+v, want %+v", seed, i, partition, got, want)
				}
			}
		}
	}
}

// happens applies the next step of a random history: an entry, a letter or, rarely, the loss of the ledger.
func happens(f *fold.Fold, random *rand.Rand, start time.Time, i int) {
	events := []ledger.Event{
		ledger.LetterReplay, ledger.LetterReplay, ledger.LetterReplay, ledger.LetterDismissed, ledger.LetterReopened,
		ledger.LetterResolved, ledger.LetterSuperseded, ledger.LetterFailed, ledger.LetterOvertaken,
	}
	id := ledger.ID{Topic: "orders", Partition: random.IntN(2), Offset: int64(random.IntN(40)), Item: ledger.NoItem}
	is, _ := f.Letter(id)
	switch {
	case random.IntN(3) == 0:
		l := fold.Letter{ID: id, Order: "a", Count: random.IntN(is.N + 1), Offset: int64(i)}
		l.Stored = start.Add(time.Duration(i)*time.Minute - time.Duration(random.IntN(10))*time.Minute)
		if random.IntN(4) == 0 {
			l.Offset, l.Stored = -1, time.Time{} // this worker has just stored it
		}
		f.Add(l)
	case random.IntN(500) == 0:
		f.Lost()
	default:
		n := is.N
		e := ledger.Entry{Event: events[random.IntN(len(events))], ID: id.String(), By: "alice", At: start.Add(time.Duration(i))}
		if e.Event == ledger.LetterReplay {
			n++
		}
		e.N = n
		f.Follow(e)
	}
}

func TestAPartitionWithoutLettersHasNoCounts(t *testing.T) {
	t.Parallel()
	var f fold.Fold
	f.Add(fold.Letter{ID: one, Offset: 3})
	if got := f.Counts(one.Topic, one.Partition, time.Time{}); got != (fold.Counts{Open: 1}) {
		t.Errorf("got %+v, want one open letter whose time is not known", got)
	}
	for topic, partition := range map[string]int{one.Topic: one.Partition + 1, "returns": one.Partition} {
		if got := f.Counts(topic, partition, time.Time{}); got != (fold.Counts{}) {
			t.Errorf("got %+v for %s/%d, want nothing", got, topic, partition)
		}
	}
}

// BenchmarkCounts measures what a scrape costs in a turn of the dispatcher, with as many letters as a worker keeps.
func BenchmarkCounts(b *testing.B) {
	const letters = 200_000
	f := fold.Fold{Horizon: letters}
	start := time.Unix(1_800_000_000, 0)
	for i := range letters {
		f.Add(fold.Letter{
			ID:     ledger.ID{Topic: "orders", Partition: i % 12, Offset: int64(i), Item: ledger.NoItem},
			Offset: int64(i), Stored: start.Add(time.Duration(i) * time.Millisecond),
		})
	}
	for b.Loop() {
		for p := range 12 {
			if f.Counts("orders", p, start).Open == 0 {
				b.Fatal("no letters")
			}
		}
	}
}
