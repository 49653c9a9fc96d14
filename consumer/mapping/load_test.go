package mapping_test

import (
	"errors"
	"strings"
	"testing"

	"leadhit-sync/consumer/mapping"
)

func TestLoadNamesThePresetsThereAre(t *testing.T) {
	t.Parallel()
	_, err := mapping.Load("shopify", []string{"orders"})
	if !errors.Is(err, mapping.ErrUnknownPreset) {
		t.Fatalf("got %v, want ErrUnknownPreset", err)
	}
	if !strings.Contains(err.Error(), `"shopify"`) || !strings.HasSuffix(err.Error(), "the presets are: plain") {
		t.Errorf("got %q, want the name asked for and the presets", err)
	}
}

func TestLoadRefusesTopicsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		topics []string
		want   string
	}{
		{"none", nil, "no topics"},
		{"a blank one", []string{"orders", " "}, "topic 2 of 2 has no name"},
		{"one twice", []string{"orders", "returns", "orders"}, `topic "orders" is given twice`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := mapping.Load("plain", c.topics)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestActionsHaveNames(t *testing.T) {
	t.Parallel()
	for action, want := range map[mapping.Action]string{
		mapping.Refuse: "refuse", mapping.Call: "call", mapping.Ignore: "ignore", mapping.Ignore + 1: "unknown",
	} {
		if got := action.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if zero := (mapping.Outcome{}); zero.Action != mapping.Refuse {
		t.Errorf("got zero action %v, want refuse", zero.Action)
	}
}
