package event_test

import (
	"testing"

	"leadhit-sync/consumer/event"
)

func TestActionsHaveNames(t *testing.T) {
	t.Parallel()
	for action, want := range map[event.Action]string{
		event.Refuse: "refuse", event.Call: "call", event.Ignore: "ignore", event.Ignore + 1: "unknown",
	} {
		if got := action.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if zero := (event.Item{}); zero.Action != event.Refuse {
		t.Errorf("got zero action %v, want refuse", zero.Action)
	}
}
