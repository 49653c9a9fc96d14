package broker_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/integration/handmade"
)

func TestFetchKeepsTheTimesThatProducersWrote(t *testing.T) {
	fake := fakeKafka(t)
	written := []int64{1_764_000_000_000_000_000, -11_644_473_600_000, 0, -2, 1_764_000_000_000}
	client := producer(t, fake, kgo.MaxVersions(kversion.V3_6_0()))
	for _, ms := range append(written, -1) {
		if err := handmade.Write(t.Context(), client, &kgo.Record{Topic: "orders", Value: []byte("v")}, ms); err != nil {
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
