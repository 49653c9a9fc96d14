package broker_test

import (
	"math"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/integration/shop"
)

func TestAnEventAgesFromItsOwnTimeOnlyIfThatCanBeTrue(t *testing.T) {
	t.Parallel()
	read := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	ms := read.UnixMilli()
	for name, test := range map[string]struct {
		time      time.Time
		since     time.Time
		plausible bool
	}{
		"its own":                    {read.Add(-time.Hour), read.Add(-time.Hour), true},
		"ten years old":              {read.AddDate(-10, 0, 0), read.AddDate(-10, 0, 0), true},
		"a clock half an hour ahead": {read.Add(30 * time.Minute), read, true},
		"tomorrow":                   {read.AddDate(0, 0, 1), read, false},
		"microseconds":               {time.UnixMilli(ms * 1e3), read, false},
		"nanoseconds":                {time.UnixMilli(ms * 1e6), read, false},
		"seconds":                    {time.UnixMilli(ms / 1e3), read, false},
		"none":                       {time.Time{}, read, false},
		"zero":                       {time.UnixMilli(0), read, false},
		"the year 1601":              {time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC), read, false},
		"the largest":                {time.UnixMilli(math.MaxInt64), read, false},
		"the smallest":               {time.UnixMilli(math.MinInt64), read, false},
	} {
		if got := broker.Since(test.time, read); !got.Equal(test.since) {
			t.Errorf("%s: got %v, want %v", name, got, test.since)
		}
		if got := broker.Plausible(test.time, read); got != test.plausible {
			t.Errorf("%s: got plausible %v, want %v", name, got, test.plausible)
		}
	}
}

func TestFetchKeepsTheTimesThatProducersWrote(t *testing.T) {
	fake := fakeKafka(t)
	written := []int64{1_764_000_000_000_000_000, -11_644_473_600_000, 0, -2, 1_764_000_000_000}
	client := producer(t, fake, kgo.MaxVersions(kversion.V3_6_0()))
	for _, ms := range append(written, -1) {
		if err := shop.WriteAt(t.Context(), client, &kgo.Record{Topic: "orders", Value: []byte("v")}, ms); err != nil {
			t.Fatal(err)
		}
	}
	batch, err := open(t, fake).Fetch(t.Context(), broker.FetchRequest{Topic: "orders", MaxWait: time.Second})
	if err != nil || len(batch.Records) != len(written)+1 {
		t.Fatalf("got %+v, %v, want %d records", batch, err, len(written)+1)
	}
	for i, ms := range written {
		if got := batch.Records[i].Time; got.UnixMilli() != ms {
			t.Errorf("got %v, want %d ms", got, ms)
		}
	}
	if got := batch.Records[len(written)].Time; !got.IsZero() {
		t.Errorf("got %v for -1, want no time", got)
	}
}
