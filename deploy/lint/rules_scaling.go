package lint

import (
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// scaled is what the rules want to know of a ScaledObject.
type scaled struct {
	Spec struct {
		MinReplicaCount, MaxReplicaCount int32
		Fallback                         *struct {
			FailureThreshold, Replicas int32
			Behavior                   string
		}
		Triggers []trigger
	}
}

type trigger struct {
	Type, MetricType string
	Metadata         map[string]string
}

// scaling: never to nothing, and never to more workers than there are partitions.
func scaling(j *judgement) {
	for _, o := range j.overlay.all("ScaledObject") {
		var s scaled
		if err := o.into(&s); err != nil {
			j.add(o, "%v", err)
			continue
		}
		j.bounds(o, s.Spec.MinReplicaCount, s.Spec.MaxReplicaCount)
		if f := s.Spec.Fallback; f == nil || f.Behavior != "currentReplicasIfHigher" {
			j.add(o, "its fallback is not currentReplicasIfHigher: a blind scaler would take workers away")
		}
	}
	for _, o := range j.overlay.all("HorizontalPodAutoscaler") {
		if h, ok := o.Typed.(*autoscalingv2.HorizontalPodAutoscaler); ok {
			least := int32(1)
			if h.Spec.MinReplicas != nil {
				least = *h.Spec.MinReplicas
			}
			j.bounds(o, least, h.Spec.MaxReplicas)
		}
	}
}

// bounds compares the number of workers with the partitions of the topics that are declared here.
func (j *judgement) bounds(o *Object, least, most int32) {
	if least < 1 {
		j.add(o, "scales to nothing: a group that never committed does not wake from that")
	}
	if most < least {
		j.add(o, "has a maximum of %d below the minimum %d", most, least)
	}
	for _, topic := range j.topics() {
		if slices.Contains(j.sources(), topic.name()) && most > topic.Spec.Partitions {
			j.add(o, "scales to %d workers, and the topic %s has %d partitions", most, topic.name(), topic.Spec.Partitions)
		}
	}
}

// kedaKeys are the keys of KEDA 2.21 that we use: the CRD takes any, misspelt ones too.
func kedaKeys() map[string][]string {
	return map[string][]string{
		"prometheus": {
			"serverAddress", "query", "threshold", "activationThreshold", "ignoreNullValues", "unsafeSsl", "timeout", "namespace",
			"customHeaders", "queryParameters", "authModes",
		},
		"kafka": {
			"bootstrapServers", "consumerGroup", "topic", "lagThreshold", "activationLagThreshold", "offsetResetPolicy",
			"allowIdleConsumers", "excludePersistentLag", "limitToPartitionsWithLag", "fullMetadata", "version", "partitionLimitation",
			"sasl", "tls", "unsafeSsl",
		},
	}
}

// keda: the triggers ask about this group and its topics, in words that KEDA knows.
func keda(j *judgement) {
	for _, o := range j.overlay.all("ScaledObject") {
		var s scaled
		if err := o.into(&s); err != nil {
			j.add(o, "%v", err)
			continue
		}
		for _, t := range s.Spec.Triggers {
			for _, key := range beyond(keysOf(t.Metadata), kedaKeys()[t.Type]) {
				j.add(o, "the %s trigger does not know %s", t.Type, key)
			}
			switch t.Type {
			case "kafka":
				j.kafkaTrigger(o, t.Metadata)
			case "prometheus":
				j.prometheusTrigger(o, t)
			default:
				j.add(o, "has a trigger of the type %q, want prometheus or kafka", t.Type)
			}
		}
		j.lagOfEveryTopic(o, s.Spec.Triggers)
	}
}

// amount: a threshold is a number above 0, or KEDA takes one of its own.
func (j *judgement) amount(o *Object, key, value string) {
	if n, err := strconv.ParseFloat(value, 64); err != nil || n <= 0 || math.IsInf(n, 0) {
		j.add(o, "%s is %q, want a number above 0", key, value)
	}
}

func (j *judgement) kafkaTrigger(o *Object, m map[string]string) {
	j.amount(o, "lagThreshold", m["lagThreshold"])
	if m["bootstrapServers"] == "" {
		j.add(o, "the kafka trigger lacks bootstrapServers")
	}
	if m["consumerGroup"] != j.setting("KAFKA_GROUP") {
		j.add(o, "asks about the group %q, the worker's is %q", m["consumerGroup"], j.setting("KAFKA_GROUP"))
	}
	start := j.setting("KAFKA_START")
	if start != "latest" {
		start = "earliest"
	}
	for key, want := range map[string]string{
		"offsetResetPolicy": start, "excludePersistentLag": "true", "allowIdleConsumers": "false", "fullMetadata": "false",
	} {
		if m[key] != want {
			j.add(o, "%s is %q, want %q", key, m[key], want)
		}
	}
}

// lagOfEveryTopic: with the kafka trigger each topic needs one of its own.
func (j *judgement) lagOfEveryTopic(o *Object, triggers []trigger) {
	var asked []string
	for _, t := range triggers {
		if t.Type == "kafka" {
			asked = append(asked, t.Metadata["topic"])
		}
	}
	if len(asked) == 0 {
		return
	}
	wanted := strings.Split(j.setting("KAFKA_TOPICS"), ",")
	slices.Sort(asked)
	slices.Sort(wanted)
	if !slices.Equal(asked, wanted) {
		j.add(o, "asks about the topics %v, the worker consumes %v", asked, wanted)
	}
}

func (j *judgement) prometheusTrigger(o *Object, t trigger) {
	if t.MetricType != string(autoscalingv2.ValueMetricType) {
		j.add(o, "metricType is %q, want Value: seconds of lag are not shared out among pods", t.MetricType)
	}
	if t.Metadata["ignoreNullValues"] != "false" {
		j.add(o, "ignoreNullValues is not \"false\": a Prometheus that lost its targets would pass for a lag of 0")
	}
	j.amount(o, "threshold", t.Metadata["threshold"])
	if u, err := url.Parse(t.Metadata["serverAddress"]); err != nil || u.Host == "" {
		j.add(o, "serverAddress is %q, want Prometheus' URL", t.Metadata["serverAddress"])
	}
	asked, err := askedBy(t.Metadata["query"])
	if err != nil {
		j.add(o, "%v", err)
		return
	}
	for _, function := range asked.invented {
		j.add(o, "the query makes a figure out of nothing with %s: a Prometheus that lost its targets would pass for a lag of 0", function)
	}
	for _, series := range asked.everywhere {
		j.add(o, "the query asks for %s of every namespace", series)
	}
	if !slices.Equal(asked.namespaces, []string{j.worker.Namespace}) {
		j.add(o, "the query looks at the namespaces %q, the worker's is %q", asked.namespaces, j.worker.Namespace)
	}
}

// Queries returns the PromQL that scales the overlay's worker.
func (o *Overlay) Queries() []string {
	var found []string
	for _, object := range o.all("ScaledObject") {
		var s scaled
		if err := object.into(&s); err != nil {
			continue // the rules have told
		}
		for _, t := range s.Spec.Triggers {
			if t.Type == "prometheus" {
				found = append(found, t.Metadata["query"])
			}
		}
	}
	return found
}
