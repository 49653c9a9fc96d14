package inspect_test

import (
	"errors"
	"testing"

	"leadhit-sync/consumer/broker/inspect"
)

func TestTopicsHaveEqualNumbersOfPartitions(t *testing.T) {
	t.Parallel()
	err := errors.New("not described")
	for name, test := range map[string]struct {
		topics map[string]inspect.TopicInfo
		want   bool
	}{
		"one":                {map[string]inspect.TopicInfo{"a": {Partitions: 3}}, true},
		"equal":              {map[string]inspect.TopicInfo{"a": {Partitions: 3}, "b": {Partitions: 3}}, true},
		"different":          {map[string]inspect.TopicInfo{"a": {Partitions: 3}, "b": {Partitions: 6}}, false},
		"one is missing":     {map[string]inspect.TopicInfo{"a": {Partitions: 3}, "b": {Missing: true, Err: err}}, true},
		"one is not visible": {map[string]inspect.TopicInfo{"a": {Partitions: 3}, "b": {Err: err}}, false},
	} {
		if got := (inspect.Topology{Topics: test.topics}).EqualPartitions(); got != test.want {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}
