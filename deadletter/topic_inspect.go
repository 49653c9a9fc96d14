package deadletter

import (
	"math"
	"strconv"
	"time"
)

// Facts are what Kafka reports about the letters' topic or the ledger.
type Facts struct {
	Topic  string
	Exists bool
	// Brokers is the number of live brokers. Replicas is the smallest number of replicas of any partition.
	Brokers, Replicas int
	// Settings are the topic's settings, keyed by Kafka's names. They are nil if we lack the DescribeConfigs right.
	Settings map[string]string
	// FormatObeyed reports whether the brokers obey the topic's message.format.version. Brokers from 3.0 on ignore it
	// unless their protocol version is below 3.0. FormatKnown reports whether FormatObeyed is known.
	FormatObeyed, FormatKnown bool
	// Sources are the topics that this topic must outlive. For the letters' topic these are the events' topics, whose
	// records must also fit into it. For the ledger it is the letters' topic.
	Sources []Source
}

// Source is a topic that one of our topics must outlive.
type Source struct {
	// Settings are the topic's settings, keyed by Kafka's names. They are nil if we lack the DescribeConfigs right, or
	// if there is no such topic.
	Settings map[string]string
	// Retention is how old the topic's records may become. Limited is false if no record is deleted by age, or if the
	// retention is not known.
	Retention time.Duration
	Limited   bool
}

// forever reports whether no record of the topic is deleted by age.
func (s Source) forever() bool { return s.Settings[retentionSetting] != "" && !s.Limited }

const (
	defaultMaxBytes  = 1<<20 + 12 // Kafka's default for max.message.bytes
	letterHeaders    = 64 << 10   // more than a letter's headers add to the event
	defaultRetention = 30 * 24 * time.Hour
	wantedReplicas   = 3
	unlimited        = -1 // the value of retention.ms or retention.bytes

	// The ledger must outlive the letters that its entries are about.
	ledgerFactor       = 3
	ledgerMinRetention = 90 * 24 * time.Hour
)

// InspectLetters judges the letters' topic. If the topic's settings are not known, it judges only the replicas.
func InspectLetters(f Facts) Inspection {
	from := sourcesOf(f.Sources)
	return f.inspect(needs{
		letters: true, maxBytes: from.maxBytes, keepBytes: from.retentionBytes,
		keep: max(day, from.retention), keepWhy: from.keepWhy(),
	}, from.settings())
}

// InspectLedger judges the ledger, as [InspectLetters] judges the letters' topic. A new ledger keeps its entries three
// times as long as the letters' topic keeps letters, but at least 90 days. Its size is not limited.
func InspectLedger(f Facts) Inspection {
	letters := defaultRetention
	for _, s := range f.Sources {
		switch {
		case s.forever():
			letters = unlimited
		case s.Limited:
			letters = s.Retention
		}
	}
	keep := ledgerMinRetention
	if letters >= 0 && letters <= math.MaxInt64/ledgerFactor {
		keep = max(keep, ledgerFactor*letters)
	}
	return f.inspect(needs{
		maxBytes: ledgerBytes, keepBytes: unlimited, keep: keep,
		keepWhy: "a worker that starts later sees neither an older pause nor the outcomes of older letters",
	}, map[string]string{
		retentionSetting: strconv.FormatInt(ledgerRetention(letters), 10),
		maxMessageBytes:  strconv.Itoa(defaultMaxBytes),
	})
}

// ledgerRetention returns the retention.ms of a new ledger.
func ledgerRetention(letters time.Duration) int64 {
	if letters < 0 || letters > math.MaxInt64/ledgerFactor {
		return unlimited
	}
	return max(ledgerFactor*letters, ledgerMinRetention).Milliseconds()
}

// inspect judges a topic that exists, and plans one that does not.
func (f Facts) inspect(n needs, settings map[string]string) Inspection {
	i := Inspection{Topic: f.Topic, Exists: f.Exists, Replicas: f.Replicas}
	if f.Exists {
		i.Known, i.Flaws = f.Settings != nil, n.judge(f)
		return i
	}
	i.Create = settings
	i.Replicas = max(1, min(wantedReplicas, f.Brokers))
	inSync := 1
	if i.Replicas == wantedReplicas {
		inSync = 2
	}
	settings[minInSync] = strconv.Itoa(inSync)
	settings[cleanupPolicy] = "delete"
	settings[timestampType] = "LogAppendTime"
	settings[retentionBytes] = strconv.Itoa(unlimited)
	return i
}

// sources are facts about the source topics taken together.
type sources struct {
	maxBytes       int           // of the largest record
	retention      time.Duration // the longest limited retention; 0 if none is known
	retentionBytes int64         // the largest; negative if any is unlimited or not known
	oldFormat      bool          // a source has records without headers, so the brokers' default may be that format
}

func sourcesOf(all []Source) sources {
	from := sources{}
	endless := len(all) == 0
	for _, s := range all {
		if n, err := strconv.Atoi(s.Settings[maxMessageBytes]); err == nil {
			from.maxBytes = max(from.maxBytes, n)
		}
		from.retention = max(from.retention, s.Retention)
		if s.forever() { // letters need not be kept for ever, but at least as long as in a topic that we create
			from.retention = max(from.retention, defaultRetention)
		}
		bytes, err := strconv.ParseInt(s.Settings[retentionBytes], 10, 64)
		endless = endless || err != nil || bytes < 0
		from.retentionBytes = max(from.retentionBytes, bytes)
		from.oldFormat = from.oldFormat || beforeHeaders(s.Settings[messageFormat])
	}
	if endless {
		from.retentionBytes = unlimited
	}
	if from.maxBytes == 0 {
		from.maxBytes = defaultMaxBytes
	}
	return from
}

func (s sources) keepWhy() string {
	if s.retention > day {
		return "letters are deleted while the events' topics still keep the events"
	}
	return "letters are deleted before anybody looks at them"
}

// settings returns the settings of a new topic for letters. The topic accepts letters of the largest events. It keeps
// letters for 30 days, or for the longest limited retention of the events' topics if that is longer.
func (s sources) settings() map[string]string {
	all := map[string]string{
		retentionSetting: strconv.FormatInt(max(defaultRetention, s.retention).Milliseconds(), 10),
		maxMessageBytes:  strconv.Itoa(s.maxBytes + letterHeaders),
	}
	if s.oldFormat { // brokers from 4.0 on refuse the setting, and have no old format
		all[messageFormat] = "0.11.0"
	}
	return all
}
