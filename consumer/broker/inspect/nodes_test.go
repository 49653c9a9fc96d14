package inspect_test

import (
	"testing"

	"leadhit-sync/consumer/broker/inspect"
)

func TestABrokerThatSaysNothingIsOlderThanKafka010(t *testing.T) {
	t.Parallel()
	if got := inspect.OldRelease(nil); got != "a Kafka release before 0.10" {
		t.Errorf("got %q for a broker that says nothing", got)
	}
}
