package lint

import (
	"slices"
	"strings"
)

// topic is what the rules want to know of a KafkaTopic.
type topic struct {
	*Object

	Spec struct {
		TopicName            string
		Partitions, Replicas int32
		Config               map[string]any
	}
}

func (t topic) name() string {
	if t.Spec.TopicName != "" {
		return t.Spec.TopicName
	}
	return t.ObjectName
}

// topics are the topics that are declared here. What cannot be read is the decode rule's.
func (j *judgement) topics() []topic {
	var found []topic
	for _, o := range j.overlay.all("KafkaTopic") {
		t := topic{Object: o}
		if err := o.into(&t); err == nil {
			found = append(found, t)
		}
	}
	return found
}

// The topics of the worker, as the settings name them.

func (j *judgement) sources() []string { return strings.Split(j.setting("KAFKA_TOPICS"), ",") }

func (j *judgement) letters() string {
	if name := j.setting("DEAD_LETTER_TOPIC"); name != "" {
		return name
	}
	return "dlq." + j.setting("KAFKA_GROUP")
}
func (j *judgement) ledger() string { return j.letters() + ".ledger" }

// topics: each has the worker's name for it and the form that the worker needs.
func topics(j *judgement) {
	declared := map[string]topic{}
	for _, t := range j.topics() {
		declared[t.name()] = t
		if !slices.Contains(append(j.sources(), j.letters(), j.ledger()), t.name()) {
			j.add(t, "is none of the worker's topics")
		}
		if t.Spec.Replicas < 2 {
			j.add(t, "has one replica: losing one broker loses it")
		}
	}
	j.lettersAndLedger(declared)
}

func (j *judgement) lettersAndLedger(declared map[string]topic) {
	for _, name := range []string{j.letters(), j.ledger()} {
		if t, ok := declared[name]; ok && (t.Spec.Partitions != 1 || t.Spec.Config["cleanup.policy"] != "delete" ||
			t.Spec.Config["message.timestamp.type"] != "LogAppendTime") {
			j.add(t, "wants one partition, cleanup.policy delete and message.timestamp.type LogAppendTime")
		}
	}
	letters, hasLetters := declared[j.letters()]
	ledger, hasLedger := declared[j.ledger()]
	if size, ok := ledger.Spec.Config["retention.bytes"].(float64); hasLedger && (!ok || size != -1) {
		j.add(ledger, "may be shortened by its size: want retention.bytes -1, as the program sets it")
	}
	if hasLetters && hasLedger {
		const days90 = 90 * 24 * 3600 * 1000
		kept, _ := letters.Spec.Config["retention.ms"].(float64)
		told, _ := ledger.Spec.Config["retention.ms"].(float64)
		if told < max(3*kept, days90) {
			j.add(ledger, "is kept %.0f ms, want three times the letters' and 90 days at least", told)
		}
	}
}

// rights are the operations that the worker needs on a resource: "topic orders".
func (j *judgement) rights() map[string][]string {
	all := map[string][]string{
		"group " + j.setting("KAFKA_GROUP"): {"Read"},
		"topic " + j.letters():              {"Describe", "DescribeConfigs", "Read", "Write"},
		"topic " + j.ledger():               {"Describe", "DescribeConfigs", "Read", "Write"},
	}
	for _, source := range j.sources() {
		all["topic "+source] = []string{"Describe", "DescribeConfigs", "Read"}
	}
	return all
}

// user is what the rules want to know of a KafkaUser.
type user struct {
	Spec struct {
		Authorization struct {
			ACLs []struct {
				Type     string
				Resource struct{ Type, Name, PatternType string }

				Operations []string
			}
		}
	}
}

// access: the user may do what the worker does, and nothing else.
func access(j *judgement) {
	for _, o := range j.overlay.all("KafkaUser") {
		given, needed := j.given(o), j.rights()
		for _, resource := range keysOf(given) {
			for _, op := range beyond(given[resource], needed[resource]) {
				j.add(o, "may %s %s, which the worker never does", op, resource)
			}
		}
		for _, resource := range keysOf(needed) {
			for _, op := range beyond(needed[resource], given[resource]) {
				j.add(o, "may not %s %s, which the worker needs", op, resource)
			}
		}
	}
}

// given are the operations that a user is allowed on each resource.
func (j *judgement) given(o *Object) map[string][]string {
	var u user
	if err := o.into(&u); err != nil {
		j.add(o, "%v", err)
	}
	given := map[string][]string{}
	for _, acl := range u.Spec.Authorization.ACLs {
		resource := acl.Resource.Type + " " + acl.Resource.Name
		if acl.Type == "deny" || acl.Resource.PatternType != "literal" {
			j.add(o, "the rule for %s is a denial or no literal name", resource)
		}
		given[resource] = append(given[resource], acl.Operations...)
	}
	return given
}

// beyond returns what is in all and not in some.
func beyond(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}
