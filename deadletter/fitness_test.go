package deadletter_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/deadletter"
)

const day = "86400000"

// describes makes the broker answer what the settings of topics are; a topic without settings may not be described.
func (b *broker) describes(topics map[string]map[string]string) {
	b.ControlKey(int16(kmsg.DescribeConfigs), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		request, _ := r.(*kmsg.DescribeConfigsRequest)
		response, _ := request.ResponseKind().(*kmsg.DescribeConfigsResponse)
		for _, asked := range request.Resources {
			resource := kmsg.NewDescribeConfigsResponseResource()
			resource.ResourceType, resource.ResourceName = asked.ResourceType, asked.ResourceName
			settings, ok := topics[asked.ResourceName]
			if !ok {
				resource.ErrorCode = kerr.TopicAuthorizationFailed.Code
			}
			for name, value := range settings {
				entry := kmsg.NewDescribeConfigsResponseResourceConfig()
				entry.Name, entry.Value = name, &value
				resource.Configs = append(resource.Configs, entry)
			}
			response.Resources = append(response.Resources, resource)
		}
		return response, nil, true
	})
}

// of lists the flaws by their settings, the fatal ones with a mark.
func of(flaws []deadletter.Flaw) string {
	var names []string
	for _, f := range flaws {
		name := f.Setting
		if f.Fatal {
			name += "!"
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// fit is a letters' topic, or a ledger, that nothing is wrong with.
func fit(changes ...string) map[string]string {
	settings := map[string]string{
		"cleanup.policy": "delete", "retention.ms": "7776000000", "retention.bytes": "-1", "max.message.bytes": "1114124",
		"min.insync.replicas": "2", "unclean.leader.election.enable": "false",
	}
	for i := 0; i < len(changes); i += 2 {
		settings[changes[i]] = changes[i+1]
	}
	return settings
}

// events is a source topic, with Kafka's own limit for records.
func events(changes ...string) map[string]string {
	return fit(append([]string{"max.message.bytes", "1048588"}, changes...)...)
}

func TestALettersTopicIsJudgedByItsSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings, source map[string]string // nil: they may not be asked for
		want             string            // the flaws; the fatal ones have a mark
		words            string            // in the first one
	}{
		"as it should be":        {fit(), events(), "", ""},
		"settings are forbidden": {nil, nil, "", ""},

		"compacted":                {fit("cleanup.policy", "compact"), events(), "cleanup.policy!", "set it to delete"},
		"compacted and deleted":    {fit("cleanup.policy", "compact,delete"), events(), "cleanup.policy!", "is compact,delete"},
		"deleted and compacted":    {fit("cleanup.policy", "delete,compact"), events(), "cleanup.policy!", ""},
		"compacted, source hidden": {fit("cleanup.policy", "compact"), nil, "cleanup.policy!", ""},

		"records of 0.10":           {fit("message.format.version", "0.10.2-IV0"), events(), "message.format.version!", "log.message.format.version"},
		"records of 0.9":            {fit("message.format.version", "0.9.0"), events(), "message.format.version!", "no headers"},
		"records of 0.8":            {fit("message.format.version", "0.8.2.X"), events(), "message.format.version!", ""},
		"records of 0.11":           {fit("message.format.version", "0.11.0-IV2"), events(), "", ""},
		"records of 1.0":            {fit("message.format.version", "1.0-IV0"), events(), "", ""},
		"records of 3.0":            {fit("message.format.version", "3.0-IV1"), events(), "", ""},
		"records of another source": {fit(), events("message.format.version", "0.10.0"), "", ""},

		"kept for an hour":                  {fit("retention.ms", "3600000"), events("retention.ms", "60000"), "retention.ms", "3600000 (1h)"},
		"kept shorter than the source":      {fit("retention.ms", "172800000"), events("retention.ms", "604800000"), "retention.ms", "set it to 604800000 (7d) or more"},
		"kept as long as the source":        {fit("retention.ms", "604800000"), events("retention.ms", "604800000"), "", ""},
		"kept for ever":                     {fit("retention.ms", "-1"), events("retention.ms", "-1"), "", ""},
		"the source is kept for ever":       {fit("retention.ms", "604800000"), events("retention.ms", "-1"), "retention.ms", "(30d)"},
		"the source is compacted":           {fit("retention.ms", "604800000"), events("retention.ms", "1000", "cleanup.policy", "compact"), "retention.ms", "(30d)"},
		"a month, the source kept for ever": {fit("retention.ms", "2592000000"), events("retention.ms", "-1"), "", ""},
		"kept for a day, source hidden":     {fit("retention.ms", day), nil, "", ""},
		"kept for less, source hidden":      {fit("retention.ms", "86399999"), nil, "retention.ms", "(1d) or more"},

		"deleted by size":                      {fit("retention.bytes", "1048576"), events(), "retention.bytes", "set it to -1"},
		"deleted by size, source hidden":       {fit("retention.bytes", "1048576"), nil, "retention.bytes", ""},
		"as large as the source may grow":      {fit("retention.bytes", "1048576"), events("retention.bytes", "1048576"), "", ""},
		"smaller than the source may grow":     {fit("retention.bytes", "1048576"), events("retention.bytes", "2097152"), "retention.bytes", ""},
		"small messages":                       {fit("max.message.bytes", "1048587"), events("max.message.bytes", "1048588"), "max.message.bytes", "set it to 1114124"},
		"messages smaller than a large source": {fit(), events("max.message.bytes", "8388608"), "max.message.bytes", "set it to 8454144"},
		"messages too small for any letter":    {fit("max.message.bytes", "4096"), events(), "max.message.bytes!", "do not fit"},

		"more in sync than replicas":   {fit("min.insync.replicas", "4"), events(), "min.insync.replicas", "set it to 2"},
		"one in sync of three":         {fit("min.insync.replicas", "1"), events(), "min.insync.replicas", "acknowledged"},
		"leaders that lack records":    {fit("unclean.leader.election.enable", "true"), events(), "unclean.leader.election.enable", ""},
		"several, the fatal one first": {fit("retention.ms", "1000", "cleanup.policy", "compact"), events(), "cleanup.policy! retention.ms", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, kfake.NumBrokers(3))
			if err := b.CreateTopic(lettersTopic, 1, nil); err != nil {
				t.Fatal(err)
			}
			b.withoutNewRequests()
			b.describes(allowed(map[string]map[string]string{lettersTopic: c.settings, "orders": c.source}))
			spec := deadletter.TopicSpec{Name: lettersTopic, Sources: []string{"orders"}}
			found, err := deadletter.InspectLetters(t.Context(), b.client, spec)
			if err != nil || !found.Exists || found.Known != (c.settings != nil) || of(found.Flaws) != c.want {
				t.Fatalf("got %+v, %v, want flaws %q", found, err, c.want)
			}
			if c.want != "" && !strings.Contains(found.Flaws[0].String(), c.words) {
				t.Errorf("got %q, want %q in it", found.Flaws[0], c.words)
			}
			b.mustBeRefusedIfFatal(t, spec, found.Flaws)
		})
	}
}

// allowed leaves out the topics without settings: nobody may ask for them.
func allowed(topics map[string]map[string]string) map[string]map[string]string {
	maps.DeleteFunc(topics, func(_ string, settings map[string]string) bool { return settings == nil })
	return topics
}

// mustBeRefusedIfFatal demands that EnsureTopic refuses a letters' topic that exists if its first flaw is fatal, and names it.
func (b *broker) mustBeRefusedIfFatal(t *testing.T, spec deadletter.TopicSpec, flaws []deadletter.Flaw) {
	t.Helper()
	fatal := len(flaws) > 0 && flaws[0].Fatal
	created, err := deadletter.EnsureTopic(t.Context(), b.client, spec)
	if created || errors.Is(err, deadletter.ErrUnfit) != fatal || fatal != (err != nil) {
		t.Errorf("EnsureTopic: got %v, %v, want ErrUnfit: %v", created, err, fatal)
	}
	if fatal && !strings.Contains(err.Error(), flaws[0].Setting) {
		t.Errorf("got %q, want the setting's name", err)
	}
}

// withoutNewRequests makes the broker look older than 3.0.
func (b *broker) withoutNewRequests() {
	b.ControlKey(int16(kmsg.ApiVersions), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		request, _ := r.(*kmsg.ApiVersionsRequest)
		response, _ := request.ResponseKind().(*kmsg.ApiVersionsResponse)
		for _, key := range []struct{ key, most int16 }{{0, 8}, {1, 11}, {2, 5}, {3, 8}, {10, 2}, {18, 0}, {19, 4}, {32, 1}} {
			k := kmsg.NewApiVersionsResponseApiKey()
			k.ApiKey, k.MaxVersion = key.key, key.most
			response.ApiKeys = append(response.ApiKeys, k)
		}
		return response, nil, true
	})
}

func TestAnOldFormatCountsWhereTheBrokersObeyIt(t *testing.T) {
	t.Parallel()
	for protocol, want := range map[string]string{
		"3.9-IV0": "", "4.0-IV3": "", "3.0-IV1": "", "2.8-IV1": "message.format.version!", "0.11.0-IV2": "message.format.version!",
		"": "message.format.version", // not allowed to ask: a warning
	} {
		t.Run("inter.broker.protocol.version "+protocol, func(t *testing.T) {
			t.Parallel()
			b := start(t)
			if err := b.CreateTopic(lettersTopic, 1, nil); err != nil {
				t.Fatal(err)
			}
			topics := map[string]map[string]string{lettersTopic: fit("message.format.version", "0.10.1", "min.insync.replicas", "1")}
			if protocol != "" {
				topics["0"] = map[string]string{"inter.broker.protocol.version": protocol}
			}
			b.describes(topics)
			found, err := deadletter.InspectLetters(t.Context(), b.client, deadletter.TopicSpec{Name: lettersTopic})
			if err != nil || of(found.Flaws) != want {
				t.Errorf("got %+v, %v, want flaws %q", found, err, want)
			}
		})
	}
}

func TestALedgerIsJudgedByItsSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings map[string]string
		want     string
	}{
		"as it should be":         {fit(), ""},
		"compacted":               {fit("cleanup.policy", "compact"), "cleanup.policy!"},
		"compacted and deleted":   {fit("cleanup.policy", "compact,delete"), "cleanup.policy!"},
		"records without headers": {fit("message.format.version", "0.10.2"), ""},      // entries have none
		"kept for a week":         {fit("retention.ms", "604800000"), "retention.ms"}, // the letters are kept for 30 days, by default
		"kept for 30 days":        {fit("retention.ms", "2592000000"), ""},
		"deleted by size":         {fit("retention.bytes", "1048576"), "retention.bytes"},
		"short entries only":      {fit("max.message.bytes", "65536"), "max.message.bytes"},
		"no entries at all":       {fit("max.message.bytes", "1000"), "max.message.bytes!"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, kfake.NumBrokers(3))
			if err := b.CreateTopic(ledgerTopic, 1, nil); err != nil {
				t.Fatal(err)
			}
			b.describes(map[string]map[string]string{ledgerTopic: c.settings})
			found, err := deadletter.InspectLedger(t.Context(), b.client, deadletter.TopicSpec{Name: lettersTopic})
			if err != nil || of(found.Flaws) != c.want {
				t.Fatalf("got %+v, %v, want flaws %q", found, err, c.want)
			}
			_, err = deadletter.EnsureLedger(t.Context(), b.client, deadletter.TopicSpec{Name: lettersTopic})
			if fatal := strings.Contains(c.want, "!"); errors.Is(err, deadletter.ErrUnfit) != fatal {
				t.Errorf("EnsureLedger: got %v, want ErrUnfit: %v", err, fatal)
			}
		})
	}
}

// What we create has no flaw of its own: whatever the source keeps, and however large its events are.
func TestATopicThatWeCreateHasNoFlaw(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]map[string]string{
		"a source of a week":           {"retention.ms": "604800000"},
		"a source of a year":           {"retention.ms": "31536000000"},
		"a source for ever":            {"retention.ms": "-1"},
		"a compacted source":           {"cleanup.policy": "compact"},
		"a source of 8 MiB records":    {"max.message.bytes": "8388608"},
		"a source limited by its size": {"retention.bytes": "1048576"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, kfake.NumBrokers(3))
			if err := b.CreateTopic("orders", 1, source); err != nil {
				t.Fatal(err)
			}
			spec := deadletter.TopicSpec{Name: lettersTopic, Sources: []string{"orders"}}
			b.mustCreateWithoutFlaw(t, spec, deadletter.EnsureTopic, deadletter.InspectLetters)
			b.mustCreateWithoutFlaw(t, spec, deadletter.EnsureLedger, deadletter.InspectLedger)
		})
	}
}

// mustCreateWithoutFlaw creates a topic and demands that an inspection finds nothing wrong with it, before and after.
func (b *broker) mustCreateWithoutFlaw(
	t *testing.T, spec deadletter.TopicSpec,
	ensure func(context.Context, *kafka.Client, deadletter.TopicSpec) (bool, error),
	inspect func(context.Context, *kafka.Client, deadletter.TopicSpec) (deadletter.Inspection, error),
) {
	t.Helper()
	found, err := inspect(t.Context(), b.client, spec)
	if err != nil || found.Exists || found.Err() != nil {
		t.Fatalf("%s: got %+v, %v before the creation", found.Topic, found, err)
	}
	if created, err := ensure(t.Context(), b.client, spec); err != nil || !created {
		t.Fatalf("%s: got %v, %v, want it created", found.Topic, created, err)
	}
	found, err = inspect(t.Context(), b.client, spec)
	if err != nil || !found.Exists || !found.Known || len(found.Flaws) > 0 {
		t.Errorf("%s: got %+v, %v, want no flaw", found.Topic, found, err)
	}
}

// The brokers' default may be the old format where a source has it. Brokers of 4.0 and later refuse the setting.
func TestATopicIsCreatedWithHeadersWhereTheSourceHasNone(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.describes(map[string]map[string]string{"orders": fit("message.format.version", "0.10.2-IV0")})
	asked := b.watchCreate()
	b.answerCreate(kerr.TopicAlreadyExists.Code)
	if _, err := deadletter.EnsureTopic(t.Context(), b.client, deadletter.TopicSpec{Name: lettersTopic, Sources: []string{"orders"}}); err != nil {
		t.Fatal(err)
	}
	if got := <-asked; !strings.Contains(got, "message.format.version=0.11.0") {
		t.Errorf("got %s, want message.format.version=0.11.0", got)
	}
}

func TestARefusedWriteNamesTheSettingOfTheTopic(t *testing.T) {
	t.Parallel()
	for code, want := range map[*kerr.Error]string{
		kerr.InvalidRecord:                "cleanup.policy",
		kerr.CorruptMessage:               "cleanup.policy",
		kerr.UnknownServerError:           "message.format.version",
		kerr.UnsupportedForMessageFormat:  "message.format.version",
		kerr.InvalidTimestamp:             "message.timestamp",
		kerr.NotEnoughReplicas:            "min.insync.replicas",
		kerr.NotEnoughReplicasAfterAppend: "min.insync.replicas",
		kerr.PolicyViolation:              "policy",
	} {
		t.Run(code.Message, func(t *testing.T) {
			t.Parallel()
			b, w := startWithTopic(t, deadletter.TopicSpec{})
			b.ensureLedger(t, true)
			b.answer(code.Code)
			err := w.Write(t.Context(), refused())
			if !errors.Is(err, deadletter.ErrUnfit) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), lettersTopic) {
				t.Errorf("letter: got %v, want ErrUnfit with %s and the topic", err, want)
			}
			err = b.ledger(t).Append(t.Context(), pausedByAlice())
			if !errors.Is(err, deadletter.ErrUnfit) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), ledgerTopic) {
				t.Errorf("entry: got %v, want ErrUnfit with %s and the topic", err, want)
			}
		})
	}
}
