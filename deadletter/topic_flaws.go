package deadletter

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Flaw is a setting of a topic that is unsuitable for the topic's content.
type Flaw struct {
	// Setting is Kafka's name for the setting, such as cleanup.policy. Is holds the current value, and Want the value
	// to set.
	Setting string `json:"setting"`
	Is      string `json:"is"`
	Want    string `json:"want"`
	// Why describes the consequence of the current value.
	Why string `json:"why"`
	// Fatal reports whether nothing may be consumed until the setting is changed, because letters or pauses could not
	// be stored, or could be lost at any time.
	Fatal bool `json:"fatal"`
}

// String returns the flaw in words, with the value to set.
func (f Flaw) String() string {
	return fmt.Sprintf("%s is %s: %s; set it to %s", f.Setting, f.Is, f.Why, f.Want)
}

// Inspection is a judgement of the letters' topic or the ledger: the flaws of a topic that exists, or the plan for one
// that does not.
type Inspection struct {
	Topic  string
	Exists bool // false: the topic is to be created with Create
	// Replicas is the smallest number of replicas of any partition, or the number for a new topic.
	Replicas int
	// Known reports whether Kafka returned the topic's settings. Without them, only the replicas can be judged.
	Known bool
	// Flaws are the settings to change, the fatal ones first.
	Flaws []Flaw
	// Create holds the settings for a topic that does not exist. A new topic has one partition, so that its records
	// have a total order.
	Create map[string]string
}

// Err returns an *UnfitError if a flaw is fatal, and nil if the topic may be used or does not exist yet.
func (i *Inspection) Err() error {
	fatal := slices.DeleteFunc(slices.Clone(i.Flaws), func(f Flaw) bool { return !f.Fatal })
	if len(fatal) == 0 {
		return nil
	}
	return &UnfitError{Topic: i.Topic, Flaws: fatal}
}

// UnfitError reports a topic that rejects or loses the letters or ledger entries written to it. An operator has to
// change the topic's settings, so there is no point in a quick retry.
type UnfitError struct {
	Topic string
	Flaws []Flaw // all of them fatal
}

// Error names the topic, and each setting with the value to set.
func (e *UnfitError) Error() string {
	texts := make([]string, len(e.Flaws))
	for i, f := range e.Flaws {
		texts[i] = f.String()
	}
	return fmt.Sprintf("topic %s: %s", e.Topic, strings.Join(texts, "; "))
}

// The settings that are judged.
const (
	replicationFactor = "replication factor" // not a setting; Kafka's tools use this name
	cleanupPolicy     = "cleanup.policy"
	retentionSetting  = "retention.ms"
	retentionBytes    = "retention.bytes"
	maxMessageBytes   = "max.message.bytes"
	messageFormat     = "message.format.version"
	minInSync         = "min.insync.replicas"
	uncleanElection   = "unclean.leader.election.enable"
	timestampType     = "message.timestamp.type"
)

const (
	day = 24 * time.Hour
	// leastBytes is enough for a letter without its value: 8 KiB for our headers, and 8 KiB for the event's key and
	// headers.
	leastBytes = 16 << 10
	// ledgerBytes is more than the largest entry takes: a reason of 1 KiB and 256 fingerprints of 256 bytes.
	ledgerBytes = 128 << 10
)

// needs are the requirements for a topic.
type needs struct {
	letters bool // the topic is for letters; otherwise it is the ledger
	// maxBytes is the size of the largest record that should fit. A letter is at most letterHeaders larger than its
	// event.
	maxBytes int
	// keep is the shortest acceptable retention. A size limit of keepBytes or more is harmless; if keepBytes is
	// negative, any size limit is a flaw.
	keep      time.Duration
	keepWhy   string
	keepBytes int64
}

// judge returns the flaws of a topic, the fatal ones first. The worker, the check command and /status all use this one
// judgement, so that none of them approves what another refuses.
func (n needs) judge(f Facts) []Flaw {
	var flaws []Flaw
	add := func(flaw Flaw, found bool) {
		if found {
			flaws = append(flaws, flaw)
		}
	}
	add(Flaw{
		replicationFactor, "1", strconv.Itoa(min(f.Brokers, wantedReplicas)),
		"losing the broker with the only replica would lose the topic", true,
	}, f.Replicas == 1 && f.Brokers > 1)
	if f.Settings == nil {
		return flaws
	}
	add(n.policy(f.Settings[cleanupPolicy]))
	add(n.format(f))
	add(n.size(f.Settings[maxMessageBytes]))
	add(n.retention(f.Settings[retentionSetting]))
	add(n.retentionSize(f.Settings[retentionBytes]))
	add(inSync(f))
	add(Flaw{uncleanElection, "true", "false", "a replica that lacks acknowledged records may become the leader", false},
		f.Settings[uncleanElection] == "true")
	slices.SortStableFunc(flaws, func(a, b Flaw) int {
		switch {
		case a.Fatal == b.Fatal:
			return 0
		case a.Fatal:
			return -1
		}
		return 1
	})
	return flaws
}

func (n needs) policy(is string) (Flaw, bool) {
	why := "compaction deletes pauses and resumes that later ones replace, so workers would not agree on what is paused"
	if n.letters {
		why = "compaction deletes older letters of the same key, and a letter without a key cannot be stored at all"
	}
	return Flaw{cleanupPolicy, is, "delete", why, true}, strings.Contains(is, "compact")
}

// format judges the record format of brokers before 4.0. Entries of the ledger have no headers, so any format will do.
func (n needs) format(f Facts) (Flaw, bool) {
	is := f.Settings[messageFormat]
	why := "records of this format have no headers, so no letter can be stored"
	ignored := f.FormatKnown && !f.FormatObeyed
	want := "0.11.0 or later (the brokers' default is log.message.format.version)"
	return Flaw{messageFormat, is, want, why, f.FormatObeyed},
		n.letters && !ignored && beforeHeaders(is)
}

// beforeHeaders reports whether a version such as 0.10.2-IV0 is below 0.11, which introduced headers (KIP-82).
func beforeHeaders(version string) bool {
	major, rest, ok := strings.Cut(version, ".")
	if !ok || major != "0" {
		return false
	}
	minor, _, _ := strings.Cut(rest, ".")
	minor, _, _ = strings.Cut(minor, "-")
	n, err := strconv.Atoi(minor)
	return err == nil && n < 11
}

func (n needs) size(is string) (Flaw, bool) {
	bytes, err := strconv.Atoi(is)
	if err != nil || bytes >= n.maxBytes {
		return Flaw{}, false
	}
	want := n.maxBytes
	if n.letters {
		want += letterHeaders
	}
	why := "long entries, such as a pause of the flood guard, cannot be stored"
	f := Flaw{maxMessageBytes, is, strconv.Itoa(want), why, false}
	if n.letters {
		f.Why = "letters of large events are stored without the event's value"
	}
	if f.Fatal = bytes < leastBytes; f.Fatal && n.letters {
		f.Why = "letters do not fit even without the event's value"
	}
	return f, true
}

func (n needs) retention(is string) (Flaw, bool) {
	ms, err := strconv.ParseInt(is, 10, 64)
	if err != nil || ms < 0 || ms >= n.keep.Milliseconds() {
		return Flaw{}, false
	}
	text := func(ms int64) string { return fmt.Sprintf("%d (%s)", ms, span(ms)) }
	return Flaw{retentionSetting, text(ms), text(n.keep.Milliseconds()) + " or more", n.keepWhy, false}, true
}

func (n needs) retentionSize(is string) (Flaw, bool) {
	bytes, err := strconv.ParseInt(is, 10, 64)
	if err != nil || bytes < 0 || n.keepBytes >= 0 && bytes >= n.keepBytes {
		return Flaw{}, false
	}
	what := "pauses are forgotten"
	if n.letters {
		what = "letters are deleted"
	}
	why := what + " once the topic has this size, however new they are"
	return Flaw{retentionBytes, is, strconv.Itoa(unlimited), why, false}, true
}

// inSync judges min.insync.replicas. If the setting exceeds the number of replicas, Kafka 4 brokers use the number of
// replicas instead, and older brokers refuse all writes.
func inSync(f Facts) (Flaw, bool) {
	n, err := strconv.Atoi(f.Settings[minInSync])
	switch {
	case err != nil || f.Replicas < 1:
		return Flaw{}, false
	case n > f.Replicas:
		return Flaw{
			minInSync, strconv.Itoa(n), strconv.Itoa(max(1, f.Replicas-1)),
			fmt.Sprintf("the number of replicas is %d, so brokers before 4.0 refuse every write", f.Replicas), false,
		}, true
	case n < 2 && f.Replicas >= wantedReplicas:
		return Flaw{minInSync, strconv.Itoa(n), "2", "losing one broker can lose acknowledged records", false}, true
	}
	return Flaw{}, false
}

// span formats a number of milliseconds for human readers: 7d, 90m, 1s.
func span(ms int64) string {
	if days := day.Milliseconds(); ms >= days && ms%days == 0 {
		return strconv.FormatInt(ms/days, 10) + "d"
	}
	if ms > math.MaxInt64/int64(time.Millisecond) {
		return "centuries"
	}
	text := (time.Duration(ms) * time.Millisecond).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
