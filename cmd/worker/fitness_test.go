package worker_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	letters = "dlq.leadhit-sync"
	refusal = `{"order_id":"4712","status":"lost"}` // the look-alike refuses the status
)

// alter sets a setting of a topic, as an operator does.
func (s *scene) alter(topic, setting, value string) {
	s.t.Helper()
	request := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	config.Name, config.Value = setting, &value
	resource.Configs = append(resource.Configs, config)
	request.Resources = append(request.Resources, resource)
	answer, err := request.RequestWith(s.t.Context(), s.shop)
	if err == nil {
		err = kerr.ErrorForCode(answer.Resources[0].ErrorCode)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestAWorkerWaitsForATopicThatCannotKeepLettersAndStartsWhenItIsCorrected(t *testing.T) {
	for name, topic := range map[string]string{"the letters' topic": letters, "the ledger": letters + ".ledger"} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			if err := s.kafka.CreateTopic(topic, 1, map[string]string{"cleanup.policy": "compact,delete"}); err != nil {
				t.Fatal(err)
			}
			s.produce(0, refusal)
			s.run()
			s.waitsForThePolicy(topic)
			s.alter(topic, "cleanup.policy", "delete")
			s.until("the letter is stored", func() bool {
				p := s.kafka.PartitionInfo(letters, 0)
				return p != nil && p.HighWatermark == 1
			})
			if !strings.Contains(s.logs.String(), "a topic setting was corrected") {
				t.Errorf("got no line about the correction:\n%s", s.logs.String())
			}
			if _, text := s.page("/readyz"); strings.Contains(text, "cleanup.policy") {
				t.Errorf("got %q from /readyz after the correction", text)
			}
		})
	}
}

// waitsForThePolicy waits until /readyz and the log name the cleanup.policy of a topic. The test fails if the flaw is
// not in /status, or if a call was made.
func (s *scene) waitsForThePolicy(topic string) {
	s.t.Helper()
	s.until("readyz names the setting", func() bool {
		code, text := s.page("/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(text, topic+": cleanup.policy is compact,delete") &&
			strings.Contains(text, "set it to delete")
	})
	s.until("the log names the setting", func() bool {
		return strings.Contains(s.logs.String(), "setting=cleanup.policy is=compact,delete")
	})
	flaws := s.status().Flaws
	if len(flaws) == 0 || !flaws[0].Fatal || flaws[0].Topic != topic || flaws[0].Setting != "cleanup.policy" {
		s.t.Errorf("got the flaws %+v in /status, want a fatal one of %s", flaws, topic)
	}
	if got := s.leadhit.Count(); got > 0 {
		s.t.Errorf("got %d calls, want none", got)
	}
}

// An operator alters the letters' topic while the worker is running, so that Kafka refuses letters without a key.
func TestATopicThatIsAlteredUnderAWorkerIsNamed(t *testing.T) {
	s := newScene(t)
	s.run()
	s.shows("/readyz", "running")
	s.alter(letters, "cleanup.policy", "compact")
	var code atomic.Int32
	code.Store(int32(kerr.NotEnoughReplicas.Code))
	s.kafka.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		s.kafka.KeepControl()
		request, _ := r.(*kmsg.ProduceRequest)
		if len(request.Topics) != 1 || request.Topics[0].Topic != letters || code.Load() == 0 {
			return nil, nil, false
		}
		response, _ := request.ResponseKind().(*kmsg.ProduceResponse)
		answer := kmsg.NewProduceResponseTopic()
		answer.Topic = letters
		partition := kmsg.NewProduceResponseTopicPartition()
		partition.ErrorCode = int16(code.Load())
		answer.Partitions = append(answer.Partitions, partition)
		response.Topics = append(response.Topics, answer)
		return response, nil, true
	})
	s.produce(0, refusal)
	s.until("the first reason is logged", func() bool {
		return strings.Contains(s.logs.String(),
			"min.insync.replicas asks for")
	})
	refused := time.Now()
	s.shows("/readyz", "\ntopic "+letters+": cleanup.policy is compact")
	if took := time.Since(refused); took > 30*time.Second { // the next regular inspection is a minute after the start
		t.Errorf("got the flaw named %v after the refused letter, want the topic looked at once a letter is refused", took)
	}
	code.Store(int32(kerr.InvalidRecord.Code))
	s.until("the other reason is logged", func() bool {
		return strings.Contains(s.logs.String(),
			"set cleanup.policy to delete")
	})
	s.shows("/status", `"setting": "cleanup.policy"`)
	told := s.logs.String()
	for _, want := range []string{
		"letters cannot be stored", "set cleanup.policy to delete",
		"setting=cleanup.policy is=compact",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("got no %q in the log:\n%s", want, told)
		}
	}
	code.Store(0)
	s.until("the letter is stored", func() bool {
		return strings.Contains(s.logs.String(), "letters can be stored again")
	})
	if n := strings.Count(s.logs.String(), "letters cannot be stored"); n != 2 {
		t.Errorf("got %d lines about letters that cannot be stored, want one for each of two reasons", n)
	}
	if n := strings.Count(s.logs.String(), "setting=cleanup.policy is=compact"); n != 1 {
		t.Errorf("got %d lines about the setting, want one however often the topic is looked at", n)
	}
}

func TestASettingThatDoesNotSuitIsAWarning(t *testing.T) {
	s := newScene(t)
	if err := s.kafka.CreateTopic(letters, 1, map[string]string{"retention.ms": "3600000"}); err != nil {
		t.Fatal(err)
	}
	s.run()
	s.shows("/readyz", "running\n")
	s.shows("/status", `"setting": "retention.ms"`)
	if told := s.logs.String(); strings.Count(told, "setting=retention.ms") != 1 || !strings.Contains(told, "level=WARN") {
		t.Errorf("got\n%s\nwant one warning", told)
	}
}

// Without the DescribeConfigs permission, only a rejected write would reveal the flaw, so the worker starts.
func TestAWorkerThatMayNotDescribeTheTopicStartsAndSaysSo(t *testing.T) {
	s := newScene(t)
	if err := s.kafka.CreateTopic(letters, 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	s.kafka.ControlKey(int16(kmsg.DescribeConfigs), func(r kmsg.Request) (kmsg.Response, error, bool) {
		s.kafka.KeepControl()
		request, _ := r.(*kmsg.DescribeConfigsRequest)
		response, _ := request.ResponseKind().(*kmsg.DescribeConfigsResponse)
		for _, asked := range request.Resources {
			resource := kmsg.NewDescribeConfigsResponseResource()
			resource.ResourceType, resource.ResourceName, resource.ErrorCode = asked.ResourceType, asked.ResourceName,
				kerr.TopicAuthorizationFailed.Code
			response.Resources = append(response.Resources, resource)
		}
		return response, nil, true
	})
	s.run()
	s.shows("/readyz", "running\n")
	if told := s.logs.String(); !strings.Contains(told, `so they cannot be checked; grant DescribeConfigs" topic=`+letters+
		"\n") {
		t.Errorf("got\n%s\nwant a line about the letters' topic", told)
	}
}

func TestAWorkerThatCannotJoinLeavesNoTopicBehind(t *testing.T) {
	s := newScene(t, "KAFKA_TOPICS", "order")
	s.run()
	s.until("it waits for its topic", func() bool {
		return strings.Contains(s.logs.String(), "order") && strings.Contains(s.logs.String(), "KAFKA_TOPICS")
	})
	request := kmsg.NewPtrMetadataRequest()
	answer, err := request.RequestWith(t.Context(), s.shop)
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range answer.Topics {
		if *topic.Topic != "orders" {
			t.Errorf("got the topic %s, want none but orders", *topic.Topic)
		}
	}
}
