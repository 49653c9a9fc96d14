package lint

import (
	"maps"
	"slices"
	"strings"
)

// The worker's topics, as the settings name them.

func (j *judgement) sources() []string { return strings.Split(j.setting("KAFKA_TOPICS"), ",") }

func (j *judgement) letters() string {
	if name := j.setting("DEAD_LETTER_TOPIC"); name != "" {
		return name
	}
	return "dlq." + j.setting("KAFKA_GROUP")
}

func (j *judgement) ledger() string { return j.letters() + ".ledger" }

// topics checks that each topic has the name that the settings give it, and the configuration that the program needs.
func (j *judgement) topics() {
	declared := map[string]*kafkaTopic{}
	for _, t := range contents[*kafkaTopic](j.Overlay) {
		declared[t.Name] = t
		about := label("KafkaTopic/" + t.Name)
		ours := t.Name == j.letters() || t.Name == j.ledger()
		c := t.Spec.Config
		j.add(!ours && !slices.Contains(j.sources(), t.Name), "topics", about, "is not one of the worker's topics")
		j.add(t.Spec.Replicas < 2, "topics", about,
			"has one replica: losing the broker with the only replica would lose the topic")
		suits := t.Spec.Partitions == 1 && c.CleanupPolicy == "delete" && c.MessageTimestampType == "LogAppendTime"
		j.add(ours && !suits, "topics", about,
			"must have one partition, cleanup.policy delete and message.timestamp.type LogAppendTime")
		j.add(t.Name == j.ledger() && c.RetentionBytes != -1, "topics", about,
			"can lose entries to a size limit: want retention.bytes -1, as the program sets it")
	}
	letters, ledger := declared[j.letters()], declared[j.ledger()]
	if letters != nil && ledger != nil {
		const days90 = 90 * 24 * 3600 * 1000
		kept := ledger.Spec.Config.RetentionMs
		j.add(kept < max(3*letters.Spec.Config.RetentionMs, days90), "topics", label("KafkaTopic/"+ledger.Name),
			"keeps entries for %d ms: want at least 90 days, and at least three times the retention of the letters", kept)
	}
}

// rights checks that the user is allowed to do what the worker does, and nothing else.
func (j *judgement) rights() {
	needed := map[string][]string{
		"group " + j.setting("KAFKA_GROUP"): {"Read"},
		"topic " + j.letters():              {"Describe", "DescribeConfigs", "Read", "Write"},
		"topic " + j.ledger():               {"Describe", "DescribeConfigs", "Read", "Write"},
	}
	for _, source := range j.sources() {
		needed["topic "+source] = []string{"Describe", "DescribeConfigs", "Read"}
	}
	for _, u := range contents[*kafkaUser](j.Overlay) {
		about, given := label("KafkaUser/"+u.Name), map[string][]string{}
		for _, acl := range u.Spec.Authorization.ACLs {
			resource := acl.Resource.Type + " " + acl.Resource.Name
			j.add(acl.Resource.PatternType != "literal", "rights", about,
				"the rule for %s does not have the pattern type literal", resource)
			given[resource] = append(given[resource], acl.Operations...)
		}
		for _, resource := range slices.Sorted(maps.Keys(given)) {
			for _, op := range without(given[resource], needed[resource]) {
				j.add(true, "rights", about, "may %s %s, which the worker never does", op, resource)
			}
		}
		for _, resource := range slices.Sorted(maps.Keys(needed)) {
			for _, op := range without(needed[resource], given[resource]) {
				j.add(true, "rights", about, "lacks %s on %s, which the worker needs", op, resource)
			}
		}
	}
}

// without returns the elements of the first slice that the second one does not contain.
func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}

// scaling checks that KEDA scales on the lag of the worker's group and topics, and starts no more workers than there
// are partitions.
func (j *judgement) scaling() {
	for _, s := range contents[*scaledObject](j.Overlay) {
		about := label("ScaledObject/" + s.Name)
		var watched []string
		for _, t := range s.Spec.Triggers {
			if t.Type == "kafka" {
				watched = append(watched, t.Metadata.Topic)
				group := t.Metadata.ConsumerGroup
				j.add(group != j.setting("KAFKA_GROUP"), "scaling", about,
					"scales on the lag of the group %q, but the worker's is %q", group, j.setting("KAFKA_GROUP"))
			}
		}
		consumed := slices.Sorted(slices.Values(j.sources()))
		j.add(watched != nil && !slices.Equal(slices.Sorted(slices.Values(watched)), consumed), "scaling", about,
			"scales on the lag of the topics %v, but the worker consumes %v", watched, consumed)
		for _, t := range contents[*kafkaTopic](j.Overlay) {
			j.add(slices.Contains(consumed, t.Name) && s.Spec.MaxReplicaCount > t.Spec.Partitions, "scaling", about,
				"scales to %d workers, but the topic %s has only %d partitions", s.Spec.MaxReplicaCount, t.Name, t.Spec.Partitions)
		}
		j.add(j.Worker.Spec.Replicas != nil, "scaling", about,
			"the Deployment sets replicas too: each apply would undo KEDA's work")
	}
}
