package worker_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kversion"

	"leadhit-sync/consumer/status"
	"leadhit-sync/leadhit/sandbox"
)

// value returns the value of a metric in an exposition, or -1 if the metric is absent.
func value(t *testing.T, exposition, series string) float64 {
	t.Helper()
	found := regexp.MustCompile(`(?m)^leadhit_sync_` + regexp.QuoteMeta(series) + ` (\S+)$`).FindStringSubmatch(exposition)
	if found == nil {
		return -1
	}
	n, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTheMetricsCountWhatHappened(t *testing.T) {
	s := newScene(t)
	s.produce(0, `{"order_id":"4711","status":"submitted"}`)
	s.produce(0, `{"order_id":"4711","status":"paid"}`)
	s.produce(1, `{"order_id":"4712","status":"lost"}`)
	s.produce(1, `no JSON`)
	s.produce(1, `{"order_id":"4711","status":"paid"}`) // in another partition
	s.produce(0, `{"order_id":"4711","status":"paid"}`) // a repeat
	s.run()
	s.shows("/metrics", "leadhit_sync_events_finished_total 6")
	page := s.shows("/metrics", "leadhit_sync_letters_in_air 0")
	for series, want := range map[string]float64{
		`items_total{action="call"}`: 5, `items_total{action="refuse"}`: 1, `items_total{action="ignore"}`: 0,
		`verdicts_total{cause="",kind="done"}`:                       4,
		`verdicts_total{cause="ValidationError",kind="dead_letter"}`: 1,
		`letters_total{cause="ValidationError",stage="call"}`:        1,
		`letters_total{cause="NotJSON",stage="mapping"}`:             1,
		`letters_total{cause="RetriesExhausted",stage="call"}`:       0,
		`letters_total{cause="RuleCost",stage="mapping"}`:            0,
		`letter_write_failures_total`:                                0,
		`orders_in_two_partitions_total`:                             1,
		`events_total`:                                               6, `events_unfinished`: 0, `expired_unread_total`: 0,
		`partitions_owned`: 2, `partitions_unowned`: 0, `partitions_restarted_total`: 0,
		`state{state="running"}`: 1, `state{state="outage"}`: 0, `state{state="by hand"}`: 0, `phase{phase="running"}`: 1,
		`paused{reason="flood"}`: 0, `without_generation_seconds`: 0, `generations_total`: 1,
		`lag_seconds{topic="orders"}`: 0, `oldest_unfinished_age_seconds{topic="orders"}`: 0,
		`window_full_seconds_total{partition="1",topic="orders"}`: 0,
		`calls_limit`: 64, `calls_per_second_limit`: 0, `retry_after_seconds`: 0, `call_seconds_count`: 5,
	} {
		if got := value(t, page, series); got != want {
			t.Errorf("%s: got %v, want %v", series, got, want)
		}
	}
	if told := strings.Count(s.logs.String(), "an order has events in two partitions"); told != 1 {
		t.Errorf("logged the order in two partitions %d times, want once:\n%s", told, s.logs.String())
	}
	if n := strings.Count(s.logs.String(), "found the topic's retention"); n != 1 {
		t.Errorf("logged the retention %d times, want once", n)
	}
}

func TestRepeatsAreCountedBesideTheirEvents(t *testing.T) {
	s := newScene(t)
	for _, word := range []string{"submitted", "submitted", "paid", "paid"} {
		s.produceKeyed("4711", `{"order_id":"4711","status":"`+word+`"}`)
	}
	s.produce(0, `{"order_id":"4711","status":"paid"}`) // without a key
	s.run()
	s.shows("/metrics", "leadhit_sync_events_finished_total 5")
	page := s.shows("/metrics", `leadhit_sync_items_total{action="repeat"} 2`)
	for series, want := range map[string]float64{
		`items_total{action="call"}`: 5, `call_seconds_count`: 3, `verdicts_total{cause="",kind="done"}`: 3,
	} {
		if got := value(t, page, series); got != want {
			t.Errorf("%s: got %v, want %v", series, got, want)
		}
	}
	s.shows("/status", `"calls": 3`)
	s.shows("/status", `"repeats": 2`)
}

func TestCausesThatNobodyForesawMakeNoMoreThanAHundredSeries(t *testing.T) {
	s := newScene(t, "RETRY_MAX_ELAPSED", "0")
	s.leadhit.Change(func(f *sandbox.Faults) {
		for i := range 150 {
			f.Orders[fmt.Sprint("o", i)] = sandbox.OrderFault{Code: -32000, Type: fmt.Sprint("Class", i)}
		}
	})
	produce := func(i int) { s.produce(0, fmt.Sprintf(`{"order_id":"o%d","status":"paid"}`, i)) }
	produce(0)
	s.run()
	s.shows("/metrics", `leadhit_sync_verdicts_total{cause="Class0"`) // the first cause; the others come in random order
	for i := 1; i < 150; i++ {
		produce(i)
	}
	page := ""
	s.until("the causes beyond the limit are counted", func() bool {
		_, page = s.page("/metrics")
		return value(t, page, `verdicts_total{cause="other",kind="again"}`) > 0
	})
	seen := map[string]bool{}
	for _, found := range regexp.MustCompile(`leadhit_sync_verdicts_total\{cause="([^"]*)"`).FindAllStringSubmatch(page,
		-1) {
		seen[found[1]] = true
	}
	if len(seen) > 102 || !seen["Class0"] {
		t.Errorf("got %d causes, want at most 102, the first of them included:\n%s", len(seen), page)
	}
}

func TestAPauseIsOnEachPage(t *testing.T) {
	s := newScene(t, "LEADHIT_API_KEY", "wrong", "RETRY_MAX_ELAPSED", "0")
	for range 3 {
		s.produce(0, `{"order_id":"4711","status":"paid"}`)
	}
	s.run()
	if page := s.shows("/readyz", "paused: "); page != "paused: unauthorised\n" {
		t.Errorf("got %q from /readyz, want the pause", page)
	}
	page := s.shows("/metrics", `leadhit_sync_paused{reason="unauthorised"} 1`)
	if value(t, page, `state{state="unauthorised"}`) != 1 || value(t, page, `state{state="running"}`) != 0 ||
		value(t, page, `phase{phase="running"}`) != 1 {
		t.Errorf("got %s, want the state unauthorised in the phase running", page)
	}
	if value(t, page, "orders_waiting") != 1 || value(t, page, "events_blocked") != 2 {
		t.Errorf("got %s, want one order that waits, and two events behind", page)
	}
	var shown status.Worker
	_, text := s.page("/status")
	if err := json.Unmarshal([]byte(text), &shown); err != nil {
		t.Fatal(err)
	}
	if shown.State != "unauthorised" || !shown.Paused || shown.Text() != "paused: unauthorised" ||
		shown.Since.IsZero() {
		t.Errorf("got %+v, want the pause", shown)
	}
	if len(shown.Orders) != 1 || shown.Orders[0].Order != "4711" || shown.Orders[0].Event != "orders/0/0" ||
		shown.Orders[0].Tries != 1 ||
		shown.Orders[0].Next != nil || shown.Orders[0].Code != http.StatusForbidden {
		t.Errorf("got %+v, want the order with its 403, to be tried when the pause ends", shown.Orders)
	}
	if strings.Contains(text+page, "wrong") {
		t.Error("got the key on a page")
	}
	if shown.Order != nil {
		t.Errorf("got %+v, want no order where none is named", shown.Order)
	}
	s.showsOrder("4711", "orders/0/0 ready ", "orders/0/1 blocked orders/0/0", "orders/0/2 blocked orders/0/1")
	s.showsOrder("4712")
}

// showsOrder checks what /status reports about an order: each event, its state, and the event that it waits for.
func (s *scene) showsOrder(order string, want ...string) {
	s.t.Helper()
	_, text := s.page("/status?order=" + order)
	var shown status.Worker
	if err := json.Unmarshal([]byte(text), &shown); err != nil || shown.Order == nil || shown.Order.Order != order {
		s.t.Fatalf("got %s, %v, want the order %s", text, err, order)
	}
	got := []string{}
	for _, i := range shown.Order.Items {
		got = append(got, i.Event+" "+i.Doing+" "+i.Behind)
		if first := len(got) == 1; first && (i.Tries != 1 || i.Code != http.StatusForbidden || i.Status != "paid") {
			s.t.Errorf("got %+v, want one call and its 403", i)
		}
	}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		s.t.Errorf("got %q, want %q", got, want)
	}
}

func TestAWorkerWithoutKafkaLivesAndIsNotReady(t *testing.T) {
	s := newScene(t)
	s.kafka.Close()
	s.run()
	if code, text := s.page("/livez"); code != http.StatusOK || text != "alive\n" {
		t.Errorf("got %d %q from /livez, want 200, whatever Kafka does", code, text)
	}
	s.shows("/readyz", "waiting: Kafka cannot be reached")
	if code, text := s.page("/readyz"); code != http.StatusServiceUnavailable ||
		!strings.Contains(text, "check KAFKA_BROKERS") {
		t.Errorf("got %d %q from /readyz, want 503 and the setting", code, text)
	}
	begun := time.Now()
	s.until("time without a generation adds up", func() bool {
		_, page := s.page("/metrics")
		return value(t, page, "without_generation_seconds") > 0
	})
	_, page := s.page("/metrics")
	if got, most := value(t, page, "without_generation_seconds"), time.Since(begun).Seconds()+30; got > most {
		t.Errorf("got %v s without a generation, want at most %v", got, most)
	}
}

func TestAWaitIsNamedAlikeOnThePagesAndInTheLog(t *testing.T) {
	s := newScene(t, "KAFKA_TOPICS", "orders,payments")
	s.run()
	const wait = "topic payments does not exist; create it, or check KAFKA_TOPICS"
	if got := s.shows("/readyz", "payments"); got != "waiting: "+wait+"\n" {
		t.Errorf("got %q from /readyz, want the wait", got)
	}
	if code, _ := s.page("/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("got %d from /readyz, want 503", code)
	}
	first := s.status()
	if len(first.Waits) != 1 || first.Waits[0].For != wait || first.Detail() != "waiting: "+wait ||
		first.Since.After(first.Waits[0].Since) {
		t.Errorf("got %+v, want the wait", first)
	}
	tries := metadataRequests(s)
	s.until("the worker has tried again", func() bool { return tries() > 1 })
	if again := s.status(); !again.Since.Equal(first.Since) || !again.Waits[0].Since.Equal(first.Waits[0].Since) {
		t.Errorf("got %+v, then %+v, want times that retries do not move", first, again)
	}
	if got := strings.Count(s.logs.String(), "reason=\""+wait+"\""); got != 1 {
		t.Errorf("logged the wait %d times, want once:\n%s", got, s.logs.String())
	}
	if err := s.kafka.CreateTopic("payments", 1, nil); err != nil {
		t.Fatal(err)
	}
	s.shows("/readyz", "running\n")
	s.until("the status says that it runs and waits for nothing", func() bool {
		got := s.status()
		return len(got.Waits) == 0 && got.Detail() == "running"
	})
}

func TestBrokersThatAreTooOldAreNamed(t *testing.T) {
	old, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "orders"), kfake.MaxVersions(kversion.V0_10_2()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(old.Close)
	s := newScene(t, "KAFKA_BROKERS", strings.Join(old.ListenAddrs(), ","))
	s.run()
	s.shows("/readyz", "waiting: a broker is older than Kafka 0.11; upgrade the brokers")
	s.until("the log says so", func() bool {
		return strings.Contains(s.logs.String(),
			"a broker is older than Kafka 0.11")
	})
}

func TestADeletedTopicIsNamedWhileTheOthersAreConsumed(t *testing.T) {
	s := newScene(t, "KAFKA_TOPICS", "orders,payments")
	if err := s.kafka.CreateTopic("payments", 1, nil); err != nil {
		t.Fatal(err)
	}
	s.run()
	s.shows("/readyz", "running")
	if err := s.kafka.DeleteTopic("payments"); err != nil {
		t.Fatal(err)
	}
	s.shows("/readyz", "topic payments does not exist") // the group's leader notices this without a rebalance
	if code, text := s.page("/readyz"); code != http.StatusOK || !strings.HasPrefix(text, "running, but waits: ") {
		t.Errorf("got %d %q from /readyz, want 200 and the wait", code, text)
	}
	s.produce(0, `{"order_id":"4711","status":"paid"}`)
	s.shows("/metrics", "leadhit_sync_events_finished_total 1")
}

func TestStatusAnswersWhileTheWorkerIsIdle(t *testing.T) {
	s := newScene(t)
	s.produce(0, `{"order_id":"4711","status":"paid"}`)
	s.run()
	s.shows("/metrics", "leadhit_sync_events_finished_total 1")
	page := s.shows("/status", `"committed": 1`)
	var shown status.Worker
	if err := json.Unmarshal([]byte(page), &shown); err != nil {
		t.Fatal(err)
	}
	p := shown.Partitions
	if shown.Schema != "status.v1" || shown.State != "running" || shown.Paused || len(p) != 2 || p[0].Committed != 1 ||
		p[0].Fetched != 1 ||
		p[0].End != 1 || p[0].OldestOffset != -1 || p[0].Unfinished != 0 || shown.Finished != 1 || shown.Calls != 1 {
		t.Errorf("got %+v, want one call, finished and committed", shown)
	}
	if shown.Orders == nil || shown.LastHour == nil {
		t.Error("got null for an empty list")
	}
}
