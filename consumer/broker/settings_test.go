package broker_test

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/broker/kafkaerr"
)

func TestRetentionIsTheTopicsOwn(t *testing.T) {
	fake := fakeKafka(t)
	for topic, settings := range map[string]map[string]string{
		"a-day":     {"retention.ms": "86400000"},
		"forever":   {"retention.ms": "-1"},
		"ages":      {"retention.ms": "9223372036854775807"}, // more than a Duration can hold
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
		"orders": {7 * 24 * time.Hour, true}, // the broker's default
	} {
		if age, limited, err := cluster.Retention(t.Context(), topic); err != nil || age != want.age ||
			limited != want.limited {
			t.Errorf("%s: got %v, %v, %v, want %+v", topic, age, limited, err, want)
		}
	}
	_, limited, err := cluster.Retention(t.Context(), "gone")
	if !errors.Is(err, kafkaerr.ErrUnknownPartition) || limited {
		t.Errorf("got %v, %v, want %v", limited, err, kafkaerr.ErrUnknownPartition)
	}
	refuseSettings(fake, 29)
	if age, limited, err := cluster.Retention(t.Context(), "a-day"); err != nil || limited || age != 0 {
		t.Errorf("got %v, %v, %v from a cluster that does not let us ask, want nothing known", age, limited, err)
	}
}

func TestTheBrokersSayWhetherTheyObeyAnOldMessageFormat(t *testing.T) {
	t.Parallel()
	for protocol, want := range map[string]struct{ obeys, known bool }{
		"3.9-IV0": {false, true}, "4.0-IV3": {false, true}, "3.0-IV1": {false, true}, "2.8-IV1": {true, true},
		"0.11.0-IV2": {true, true},
		"":           {}, // no permission to read it
	} {
		t.Run("inter.broker.protocol.version "+protocol, func(t *testing.T) {
			t.Parallel()
			fake := fakeKafka(t)
			fake.ControlKey(int16(kmsg.DescribeConfigs), func(r kmsg.Request) (kmsg.Response, error, bool) {
				request, _ := r.(*kmsg.DescribeConfigsRequest)
				response, _ := request.ResponseKind().(*kmsg.DescribeConfigsResponse)
				resource := kmsg.NewDescribeConfigsResponseResource()
				resource.ResourceType, resource.ResourceName = request.Resources[0].ResourceType, request.Resources[0].ResourceName
				if protocol == "" {
					resource.ErrorCode = kerr.ClusterAuthorizationFailed.Code
				} else {
					entry := kmsg.NewDescribeConfigsResponseResourceConfig()
					entry.Name, entry.Value = "inter.broker.protocol.version", &protocol
					resource.Configs = append(resource.Configs, entry)
				}
				response.Resources = append(response.Resources, resource)
				return response, nil, true
			})
			if obeys, known := open(t, fake).ObeysMessageFormat(t.Context(), 0); obeys != want.obeys || known != want.known {
				t.Errorf("got %v, %v, want %+v", obeys, known, want)
			}
		})
	}
}

func TestBrokersBefore30ObeyAnOldMessageFormat(t *testing.T) {
	t.Parallel()
	fake := fakeKafka(t)
	fake.ControlKey(int16(kmsg.ApiVersions), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		request, _ := r.(*kmsg.ApiVersionsRequest)
		response, _ := request.ResponseKind().(*kmsg.ApiVersionsResponse)
		for _, key := range []struct{ key, most int16 }{{0, 8}, {1, 11}, {2, 5}, {3, 8}, {10, 2}, {18, 0}, {19, 4}, {32, 1}} {
			k := kmsg.NewApiVersionsResponseApiKey()
			k.ApiKey, k.MaxVersion = key.key, key.most
			response.ApiKeys = append(response.ApiKeys, k)
		}
		return response, nil, true
	})
	if obeys, known := open(t, fake).ObeysMessageFormat(t.Context(), 0); !obeys || !known {
		t.Errorf("got %v, %v, want them to obey it", obeys, known)
	}
}
