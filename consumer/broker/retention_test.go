package broker_test

import (
	"errors"
	"testing"
	"time"

	"leadhit-sync/consumer/broker"
)

func TestRetentionIsTheTopicsOwn(t *testing.T) {
	fake := fakeKafka(t)
	for topic, settings := range map[string]map[string]string{
		"a-day":     {"retention.ms": "86400000"},
		"forever":   {"retention.ms": "-1"},
		"ages":      {"retention.ms": "9223372036854775807"}, // more than a Duration holds
		"compacted": {"retention.ms": "86400000", "cleanup.policy": "compact"},
		"both":      {"retention.ms": "1000", "cleanup.policy": "compact,delete"},
	} {
		if err := fake.CreateTopic(topic, 1, settings); err != nil {
			t.Fatal(err)
		}
	}
	cluster := open(t, fake)
	for topic, want := range map[string]struct {
		age     time.Duration
		limited bool
	}{
		"a-day": {24 * time.Hour, true}, "forever": {}, "ages": {}, "compacted": {}, "both": {time.Second, true},
		"orders": {7 * 24 * time.Hour, true}, // the broker's own
	} {
		if age, limited, err := cluster.Retention(t.Context(), topic); err != nil || age != want.age || limited != want.limited {
			t.Errorf("%s: got %v, %v, %v, want %+v", topic, age, limited, err, want)
		}
	}
	if _, limited, err := cluster.Retention(t.Context(), "gone"); !errors.Is(err, broker.ErrUnknownPartition) || limited {
		t.Errorf("got %v, %v, want %v", limited, err, broker.ErrUnknownPartition)
	}
	refuseSettings(fake, 29)
	if age, limited, err := cluster.Retention(t.Context(), "a-day"); err != nil || limited || age != 0 {
		t.Errorf("got %v, %v, %v of a cluster that does not let us ask, want nothing known", age, limited, err)
	}
}
