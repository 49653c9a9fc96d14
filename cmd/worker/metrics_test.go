package worker_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const goldenMetrics = "testdata/metrics.golden.txt"

// scrape runs a worker until all its events are finished, and returns its metrics.
func scrape(t *testing.T) string {
	t.Helper()
	s := newScene(t)
	s.produce(0, `{"order_id":"4711","status":"paid"}`)
	s.produce(1, `{"order_id":"4712","status":"lost"}`)
	s.produce(1, `no JSON`)
	letters := kmsg.NewCreateTopicsRequestTopic() // must exist before the worker reads its retention
	letters.Topic, letters.NumPartitions, letters.ReplicationFactor = "dlq.leadhit-sync", 1, 1
	create := kmsg.NewPtrCreateTopicsRequest()
	create.Topics = append(create.Topics, letters)
	if _, err := create.RequestWith(t.Context(), s.shop); err != nil {
		t.Fatal(err)
	}
	s.run()
	s.shows("/metrics", "leadhit_sync_retention_used_ratio")
	s.shows("/metrics", "leadhit_sync_letters_min_ttl_seconds")
	s.shows("/metrics", `leadhit_sync_letters_open{state="open"} 2`)
	s.shows("/metrics", "leadhit_sync_letters_new_causes_total 2")
	return s.shows("/metrics", "leadhit_sync_events_finished_total 3")
}

// TestTheMetricsAreThoseOfTheList compares names, types, labels and help text with a file. Alerts and dashboards rely
// on them. UPDATE_GOLDEN=1 rewrites the file.
func TestTheMetricsAreThoseOfTheList(t *testing.T) {
	got := listMetrics(scrape(t))
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(goldenMetrics, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenMetrics)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the metrics are an API, and differ from %s; got\n%s\nwant\n%s", goldenMetrics, got, want)
	}
}

var (
	sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? \S+$`)
	labelName  = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="(?:[^"\\]|\\.)*"`)
	seriesOf   = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// metricList collects what an exposition says about each metric.
type metricList struct {
	kinds, helps map[string]string
	labels       map[string][]string
}

// listMetrics returns a line for each metric of our own: name, type, labels and help, separated by tabs.
func listMetrics(exposition string) string {
	l := metricList{map[string]string{}, map[string]string{}, map[string][]string{}}
	for line := range strings.Lines(exposition) {
		l.add(strings.TrimSuffix(line, "\n"))
	}
	var list strings.Builder
	list.WriteString("# name, type, labels and help of each metric, with tabs between; those of the Go runtime and the " +
		"process come on top\n")
	for _, name := range slices.Sorted(maps.Keys(l.kinds)) {
		if strings.HasPrefix(name, "leadhit_sync_") {
			fmt.Fprintf(&list, "%s\t%s\t%s\t%s\n", name, l.kinds[name], strings.Join(l.labels[name], ","), l.helps[name])
		}
	}
	return list.String()
}

func (l *metricList) add(line string) {
	if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
		name, help, _ := strings.Cut(rest, " ")
		l.helps[name] = help
		return
	}
	if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
		name, kind, _ := strings.Cut(rest, " ")
		l.kinds[name] = kind
		return
	}
	found := sampleLine.FindStringSubmatch(line)
	if found == nil {
		return
	}
	name := found[1]
	if l.kinds[name] == "" {
		name = seriesOf.ReplaceAllString(name, "")
	}
	for _, label := range labelName.FindAllStringSubmatch(found[2], -1) {
		if label[1] != "le" && !slices.Contains(l.labels[name], label[1]) {
			l.labels[name] = append(l.labels[name], label[1])
		}
	}
}

const readme = "README.md"

// TestTheReadmeShowsTheMetrics compares the README's table with the list. UPDATE_README=1 rewrites the table.
func TestTheReadmeShowsTheMetrics(t *testing.T) {
	list, err := os.ReadFile(goldenMetrics)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("\n| metric | type | meaning |\n| --- | --- | --- |\n")
	for line := range strings.Lines(string(list)) {
		column := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(column) != 4 {
			continue
		}
		name := column[0]
		if column[2] != "" {
			name += "{" + column[2] + "}"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", name, column[1], column[3])
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- metrics begin -->\n", "<!-- metrics end -->"
	before, rest, found := strings.Cut(string(text), begin)
	got, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("got no %q and %q in the README", begin, end)
	}
	want := table.String() + "\n"
	switch {
	case got == want:
	case os.Getenv("UPDATE_README") == "1":
		if err := os.WriteFile(readme, []byte(before+begin+want+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the README shows other metrics (UPDATE_README=1 corrects it):\n%s\nwant\n%s", got, want)
	}
}

// TestPromtoolFindsNoFaultInTheMetrics needs promtool, which is in Debian's prometheus package.
func TestPromtoolFindsNoFaultInTheMetrics(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("promtool is required here: %v", err)
		}
		t.Skipf("SKIPPED, the metrics were not checked: %v; apt-get install prometheus installs promtool", err)
	}
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = strings.NewReader(scrape(t))
	var said bytes.Buffer
	check.Stdout, check.Stderr = &said, &said
	if err := check.Run(); err != nil || said.Len() > 0 {
		t.Errorf("got %v and %q from promtool check metrics, want nothing", err, said.String())
	}
}
