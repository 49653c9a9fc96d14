package deadletter_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"leadhit-sync/deadletter"
)

const (
	day          = "86400000" // milliseconds
	lettersTopic = "dlq.leadhit-sync"
)

// of returns the names of the flaws' settings. An exclamation mark follows a setting whose flaw is fatal.
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

// fit returns settings without a flaw for a letters' topic or a ledger, with the given changes applied.
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

// events returns the settings of a source topic, with Kafka's default size limit for records.
func events(changes ...string) map[string]string {
	return fit(append([]string{"max.message.bytes", "1048588"}, changes...)...)
}

func TestALettersTopicIsJudgedByItsSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings, source map[string]string // nil: we are not allowed to read them
		want             string            // the flaws; a fatal one has an exclamation mark
		words            string            // in the first flaw
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
		"kept for less than the source":     {fit("retention.ms", "172800000"), events("retention.ms", "604800000"), "retention.ms", "set it to 604800000 (7d) or more"},
		"kept as long as the source":        {fit("retention.ms", "604800000"), events("retention.ms", "604800000"), "", ""},
		"kept for ever":                     {fit("retention.ms", "-1"), events("retention.ms", "-1"), "", ""},
		"the source is kept for ever":       {fit("retention.ms", "604800000"), events("retention.ms", "-1"), "retention.ms", "(30d)"},
		"the source is kept for 0 ms":       {fit("retention.ms", "604800000"), events("retention.ms", "0"), "", ""},
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
			f := facts(c.settings, c.source)
			f.FormatObeyed, f.FormatKnown = true, true
			found := deadletter.InspectLetters(f)
			if !found.Exists || found.Known != (c.settings != nil) || of(found.Flaws) != c.want {
				t.Fatalf("got %+v, want flaws %q", found, c.want)
			}
			if c.want != "" && !strings.Contains(found.Flaws[0].String(), c.words) {
				t.Errorf("got %q, want %q in it", found.Flaws[0], c.words)
			}
			mustBeRefusedIfFatal(t, found)
		})
	}
}

// facts returns the facts of a topic with three replicas in a cluster of three brokers.
func facts(settings map[string]string, sources ...map[string]string) deadletter.Facts {
	f := deadletter.Facts{Topic: lettersTopic, Exists: true, Brokers: 3, Replicas: 3, Settings: settings}
	for _, source := range sources {
		f.Sources = append(f.Sources, sourceOf(source))
	}
	return f
}

// sourceOf returns a source topic with the given settings. It reads the retention as package broker does.
func sourceOf(settings map[string]string) deadletter.Source {
	s := deadletter.Source{Settings: settings}
	if ms, err := strconv.ParseInt(settings["retention.ms"], 10, 64); err == nil && ms >= 0 && ms < 1<<43 &&
		strings.Contains(settings["cleanup.policy"], "delete") {
		s.Retention, s.Limited = time.Duration(ms)*time.Millisecond, true
	}
	return s
}

// mustBeRefusedIfFatal checks that a topic is refused if and only if its first flaw is fatal, and that the error names
// the topic and the flaw.
func mustBeRefusedIfFatal(t *testing.T, found deadletter.Inspection) {
	t.Helper()
	fatal := len(found.Flaws) > 0 && found.Flaws[0].Fatal
	err := found.Err()
	if _, unfit := errors.AsType[*deadletter.UnfitError](err); unfit != fatal || fatal != (err != nil) {
		t.Errorf("got %v, want an UnfitError: %v", err, fatal)
	}
	if fatal && (!strings.Contains(err.Error(), found.Flaws[0].Setting) || !strings.Contains(err.Error(), lettersTopic)) {
		t.Errorf("got %q, want the names of the topic and the setting", err)
	}
}

func TestOneReplicaAmongSeveralBrokersIsFatal(t *testing.T) {
	t.Parallel()
	for brokers, want := range map[int]string{1: "", 2: "replication factor!"} {
		f := facts(nil)
		f.Brokers, f.Replicas = brokers, 1
		for _, found := range []deadletter.Inspection{deadletter.InspectLetters(f), deadletter.InspectLedger(f)} {
			if of(found.Flaws) != want {
				t.Errorf("%d brokers: got %+v, want flaws %q", brokers, found, want)
			}
			mustBeRefusedIfFatal(t, found)
		}
	}
}

func TestAnOldFormatCountsWhereTheBrokersObeyIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		obeyed, known bool
		want          string
	}{
		{false, true, ""},
		{true, true, "message.format.version!"},
		{false, false, "message.format.version"}, // not known, so the flaw is only a warning
	} {
		f := facts(fit("message.format.version", "0.10.1"))
		f.FormatObeyed, f.FormatKnown = c.obeyed, c.known
		if found := deadletter.InspectLetters(f); of(found.Flaws) != c.want {
			t.Errorf("got %+v, want flaws %q", found, c.want)
		}
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
		"records without headers": {fit("message.format.version", "0.10.2"), ""},       // entries have none
		"kept for a week":         {fit("retention.ms", "604800000"), "retention.ms"},  // letters are kept for 30 days
		"kept for 30 days":        {fit("retention.ms", "2592000000"), "retention.ms"}, // as long as the letters
		"kept for 90 days":        {fit("retention.ms", "7776000000"), ""},
		"deleted by size":         {fit("retention.bytes", "1048576"), "retention.bytes"},
		"short entries only":      {fit("max.message.bytes", "65536"), "max.message.bytes"},
		"no entries at all":       {fit("max.message.bytes", "1000"), "max.message.bytes!"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := deadletter.InspectLedger(facts(c.settings, nil))
			if of(found.Flaws) != c.want {
				t.Fatalf("got %+v, want flaws %q", found, c.want)
			}
			mustBeRefusedIfFatal(t, found)
		})
	}
}

// A topic that we create has no flaw, whatever the source's retention is, and however large its events are.
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
			letters := mustPlanWithoutFlaw(t, deadletter.InspectLetters, fit(slices.Concat(pairs(events()), pairs(source))...))
			mustPlanWithoutFlaw(t, deadletter.InspectLedger, letters)
		})
	}
}

func pairs(settings map[string]string) []string {
	var all []string
	for name, value := range settings {
		all = append(all, name, value)
	}
	return all
}

// mustPlanWithoutFlaw plans a topic, and reports an error if an inspection of the topic as planned finds a flaw.
func mustPlanWithoutFlaw(t *testing.T, inspect func(deadletter.Facts) deadletter.Inspection, source map[string]string) (planned map[string]string) {
	t.Helper()
	f := facts(nil, source)
	f.Exists = false
	plan := inspect(f)
	if plan.Exists || plan.Err() != nil || plan.Replicas != 3 {
		t.Fatalf("got %+v before the creation", plan)
	}
	found := inspect(facts(plan.Create, source))
	if !found.Exists || !found.Known || len(found.Flaws) > 0 {
		t.Errorf("got %+v of %v, want no flaw", found, plan.Create)
	}
	return plan.Create
}

// text describes a planned topic: its number of replicas and its settings.
func text(i deadletter.Inspection) string {
	var out strings.Builder
	fmt.Fprintf(&out, "replicas %d,", i.Replicas)
	for _, name := range slices.Sorted(maps.Keys(i.Create)) {
		fmt.Fprintf(&out, " %s=%s", name, i.Create[name])
	}
	return out.String()
}

func TestTheLettersTopicIsPlannedForItsClusterAndSources(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ brokers, replicas, inSync int }{{1, 1, 1}, {2, 2, 1}, {3, 3, 2}, {5, 3, 2}} {
		f := deadletter.Facts{Brokers: c.brokers, Sources: []deadletter.Source{sourceOf(events("max.message.bytes", "2097152"))}}
		want := fmt.Sprintf("replicas %d, cleanup.policy=delete max.message.bytes=2162688 message.timestamp.type=LogAppendTime "+
			"min.insync.replicas=%d retention.bytes=-1 retention.ms=7776000000", c.replicas, c.inSync)
		if got := text(deadletter.InspectLetters(f)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	const want = "replicas 1, cleanup.policy=delete max.message.bytes=1114124 message.timestamp.type=LogAppendTime " +
		"min.insync.replicas=1 retention.bytes=-1 retention.ms=2592000000"
	if got := text(deadletter.InspectLetters(deadletter.Facts{Brokers: 1})); got != want {
		t.Errorf("without sources: got  %s\nwant %s", got, want)
	}
}

func TestTheLedgerOutlivesItsLetters(t *testing.T) {
	t.Parallel()
	const day = 24 * 60 * 60 * 1000
	for name, c := range map[string]struct {
		brokers  int
		letters  string // retention.ms of the letters' topic; "": there is no such topic yet
		replicas int
		inSync   int
		want     int64 // retention.ms
	}{
		"no letters yet":           {1, "", 1, 1, 90 * day},
		"letters of a week":        {3, "604800000", 3, 2, 90 * day},
		"letters of 60 days":       {3, "5184000000", 3, 2, 180 * day},
		"letters for ever":         {2, "-1", 2, 1, -1},
		"letters longer than time": {5, "9223372036854775807", 3, 2, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := deadletter.Facts{Brokers: c.brokers, Sources: []deadletter.Source{{}}}
			if c.letters != "" {
				f.Sources[0] = sourceOf(fit("retention.ms", c.letters))
			}
			want := fmt.Sprintf("replicas %d, cleanup.policy=delete max.message.bytes=1048588 message.timestamp.type=LogAppendTime "+
				"min.insync.replicas=%d retention.bytes=-1 retention.ms=%d", c.replicas, c.inSync, c.want)
			if got := text(deadletter.InspectLedger(f)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// If a source has the old format, that format may be the brokers' default, and a new topic would get it too. Brokers
// from 4.0 on refuse the setting, so it is set only if a source has the old format.
func TestATopicIsCreatedWithHeadersWhereTheSourceHasNone(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{"0.10.2-IV0": "0.11.0", "0.11.0-IV2": "", "": ""} {
		f := deadletter.Facts{Brokers: 1, Sources: []deadletter.Source{sourceOf(events("message.format.version", format))}}
		plan := deadletter.InspectLetters(f)
		if got := plan.Create["message.format.version"]; got != want {
			t.Errorf("a source of %q: got %q, want %q", format, got, want)
		}
	}
}
