package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/consumer/status"
	"leadhit-sync/deadletter/operator/workerpage"
)

const goldenStatus = "testdata/status.golden.txt"

// troubled returns a status with everything in it. Some ids have characters that a terminal must not interpret.
func troubled() status.Worker {
	at := time.Date(2026, 11, 25, 16, 2, 11, 0, time.UTC)
	quiet, next := at.Add(8*time.Second), at.Add(12*time.Second)
	return status.Worker{
		Schema: "status.v1", Version: "1.2.3", Group: "leadhit-sync", At: at,
		State: "flood", Paused: true, Phase: "running", Since: at.Add(-26 * time.Hour),
		Reason: "120 of the last 200 items were dead letters, of 88 orders", By: "worker-7",
		Problems: []string{"orders/1 is stuck: a batch of another format. Restore the events, or skip them: run " +
			"kafka-consumer-groups.sh --reset-offsets"},
		Events: 1204331, Finished: 1204289, Calls: 12345, Retries: 17, Repeats: 678, InFlight: 3, Limit: 64, PerSecond: 45.25,
		RetryAfter: &quiet,
		Waiting:    37, Blocked: 17, Letters: 130, LettersInAir: 2, OldestAge: 760.4, Lag: 3.2, TwoPartitions: 1,
		LastHour: []status.CauseCount{{Cause: "ValidationError", Letters: 120}, {Cause: "HTTP 400", Letters: 10}},
		Orders: []status.WaitingOrder{
			{
				Event: "orders/0/11872", Order: "4711", Status: "paid", Time: at.Add(-760 * time.Second), Tries: 7, Next: &next,
				Cause: "HTTP 503", Code: 503, Message: "http 503 Service Unavailable: " +
					strings.Repeat("no upstream is healthy; ", 9),
			},
			{
				Event: "a-topic-of-a-shop-with-a-very-long-name.orders/11/98765432109", Order: "evil\x1b[2J\u202e" +
					strings.Repeat("x", 6),
				Status: "sub\nmitted", Time: at.Add(-50 * time.Hour), Tries: 120, Cause: "Timeout", Message: "line one\nline two",
			},
			{
				Event: "orders/3/5", Order: "4712", Status: "lost", Time: at.Add(-time.Second), Tries: 1, Letter: true, Next: &at,
				Cause: "ValidationError", Message: "Possible statuses: paid, submitted",
			},
		},
		HeldBack: 300, HeldBackAge: 10920,
		Outcomes: []status.OutcomeCount{
			{Outcome: status.Outcome{Cause: "HTTP 503", Code: 503}, Orders: 35},
			{Outcome: status.Outcome{Cause: "Timeout"}, Orders: 1},
			{Outcome: status.Outcome{Cause: "ValidationError", Letter: true}, Orders: 1},
		},
		Partitions: []status.Partition{
			{
				Topic: "orders", Partition: 0, Committed: 11872, Fetched: 11902, End: 12202, Unfinished: 30, OldestOffset: 11872,
				OldestAge: 760.4,
				OpenTransaction: &status.OpenTransaction{
					LastStable: 11902, HeldBack: 300, Since: at.Add(-10920 * time.Second),
					Age: 10920,
				},
			},
			{Topic: "orders", Partition: 1, Committed: -1, Fetched: 0, End: 5, OldestOffset: -1, Unknown: true},
			{
				Topic: "a-topic-of-a-shop-with-a-very-long-name.orders", Partition: 11, Committed: 98765432109,
				Fetched: 98765442109,
				End:     98765532109, Unfinished: 10000, OldestOffset: 98765432109, OldestAge: 180000, WindowFull: true,
			},
		},
	}
}

// idle returns a worker that is joining, without partitions.
func idle() status.Worker {
	at := time.Date(2026, 11, 25, 16, 2, 11, 0, time.UTC)
	return status.Worker{
		Schema: "status.v1", Version: "dev", Group: "leadhit-sync", At: at, State: "joining", Phase: "joining",
		Since: at.Add(-90 * time.Second),
		Limit: 64, Orders: []status.WaitingOrder{}, Partitions: []status.Partition{},
	}
}

// lost returns a worker that waits for a topic.
func lost() status.Worker {
	s := idle()
	s.State, s.Phase = "waiting", "waiting"
	s.Waits = []status.Wait{{
		For:   "topic orders does not exist; create it, or check KAFKA_TOPICS",
		Since: s.At.Add(-time.Minute),
	}}
	return s
}

// busyWorker returns a worker with more partitions than the table has lines.
func busyWorker() status.Worker {
	s := idle()
	s.State, s.Phase = "running", "running"
	s.Waits = []status.Wait{{
		For:   "topic gone does not exist; create it, or check KAFKA_TOPICS",
		Since: s.At.Add(-time.Hour),
	}}
	for n := range 25 {
		s.Partitions = append(s.Partitions, status.Partition{
			Topic: "orders", Partition: n, Committed: int64(n), Fetched: int64(n + 1), End: int64(n + 1), Unfinished: 1,
			OldestOffset: int64(n), OldestAge: float64(n + 1),
		})
	}
	return s
}

// TestStatusFitsATerminal compares the output in a pipe and on a screen with a file. UPDATE_GOLDEN=1 writes the file.
func TestStatusFitsATerminal(t *testing.T) {
	t.Parallel()
	var screens strings.Builder
	for _, workers := range [][]status.Worker{{troubled()}, {idle(), busyWorker(), idle()}, {lost()}} {
		var args []string
		for _, s := range workers {
			args = append(args, workerPage(t, s))
		}
		got := command(t, "", append([]string{"status"}, args...)...)
		if got.code != 0 || got.err != "" {
			t.Errorf("got exit code %d and %q, want 0 and nothing on stderr", got.code, got.err)
		}
		for i, addr := range args {
			got.out = strings.ReplaceAll(got.out, addr, "worker-"+string(rune('1'+i))+":8080")
		}
		screens.WriteString("$ leadhit-sync status\n" + got.out + "\n")
	}
	one := troubled()
	onScreen := strings.Join(fitStatus([]workerpage.Asked{{URL: "http://worker-1:8080/status", Status: &one}},
		screen{columns: statusWidth}), "\n") + "\n"
	mustFit(t, onScreen)
	screens.WriteString("$ leadhit-sync status # on a terminal of 80 columns\n" + onScreen)
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(goldenStatus, []byte(screens.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenStatus)
	if err != nil {
		t.Fatal(err)
	}
	if screens.String() != string(want) {
		t.Errorf("got other screens than %s:\n%s", goldenStatus, screens.String())
	}
}

// mustFit fails the test if a line has more than 80 columns, or contains anything that a terminal interprets.
func mustFit(t *testing.T, screens string) {
	t.Helper()
	for line := range strings.Lines(screens) {
		if n := terminal.Width(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("got %d columns in %q, want at most 80", n, line)
		}
		if strings.ContainsAny(line, "\x1b\u202e\r") {
			t.Errorf("got %q, which a terminal interprets", line)
		}
	}
}

// outage returns a worker with the given number of partitions, and 37 waiting orders, all with the same response.
func outage(partitions int) status.Worker {
	const orders = 37
	s := busyWorker()
	s.State, s.Paused, s.Waiting = "outage", true, orders
	s.Partitions = nil
	for n := range partitions {
		s.Partitions = append(s.Partitions, status.Partition{
			Topic: "orders", Partition: n, Unfinished: 1,
			OldestAge: float64(n),
		})
	}
	for n := range 20 {
		s.Orders = append(s.Orders, status.WaitingOrder{
			Event: "orders/0/" + strconv.Itoa(n), Order: strconv.Itoa(4711 + n), Status: "paid", Time: s.At.Add(-time.Minute),
			Tries: 3,
			Cause: "HTTP 503", Code: 503, Message: "http 503 Service Unavailable",
		})
	}
	s.Outcomes = []status.OutcomeCount{{Outcome: status.Outcome{Cause: "HTTP 503", Code: 503}, Orders: orders}}
	return s
}

func TestOrdersWithTheSameResponseAreGrouped(t *testing.T) {
	t.Parallel()
	got := command(t, "", "status", workerPage(t, outage(1)))
	if n := strings.Count(got.out, "503"); n != 1 ||
		!strings.Contains(got.out, "37 orders: http 503 Service Unavailable\n") ||
		!strings.Contains(got.out, "\n4730 ") || !strings.Contains(got.out, "\n  and 17 more\n") {
		t.Errorf("got %s, want one line for the response to 37 orders, 20 of them, and how many more", got.out)
	}
	older := outage(1)
	older.Outcomes = nil // a worker with an earlier version
	if got := command(t, "", "status", workerPage(t, older)); !strings.Contains(got.out, "37 orders wait") ||
		!strings.Contains(got.out, "20 orders: http 503") {
		t.Errorf("got %s for an earlier version, want the listed orders grouped", got.out)
	}
	mixed := older
	mixed.Orders[0].Cause, mixed.Orders[0].Code, mixed.Orders[0].Message = "Timeout", 0, "no response"
	got = command(t, "", "status", workerPage(t, mixed))
	if large := strings.Index(got.out, "19 orders: http 503"); large < 0 ||
		large > strings.Index(got.out, "1 order: Timeout: no response") {
		t.Errorf("got %s, want the larger group first", got.out)
	}
}

// A shortened screen says what is left out, and starts with the state.
func TestAScreenOfStatusFitsItsHeight(t *testing.T) {
	t.Parallel()
	one := func(s status.Worker) []workerpage.Asked {
		return []workerpage.Asked{{URL: "http://w:8080/status", Status: &s}}
	}
	several := slices.Concat(one(busyWorker()), one(outage(25)),
		[]workerpage.Asked{{URL: "http://gone:8080/status", Error: "connection refused"}}, one(troubled()))
	for name, all := range map[string][]workerpage.Asked{
		"idle": one(idle()), "busy": one(busyWorker()), "troubled": one(troubled()), "an outage": one(outage(25)),
		"several": several, "none": nil,
		"many": slices.Concat(several, several),
	} {
		whole := fitStatus(all, screen{columns: statusWidth})
		for height := 1; height <= min(len(whole)+1, 90); height += 1 + height/10 {
			mustFitHeight(t, name, all, whole, height)
		}
		mustFitHeight(t, name, all, whole, len(whole))
		mustFit(t, strings.Join(whole, "\n"))
	}
	if got := strings.Join(fitStatus(several, screen{statusWidth, 8}), "\n"); !strings.Contains(got,
		"not reached  http://gone:8080/status") ||
		strings.Index(got, "\nnot reached  ") > strings.Index(got, "\npaused: outage,") {
		t.Errorf("got %s, want a line for each worker, the one that was not reached first", got)
	}
	if got := fitStatus(several, screen{statusWidth, 3}); got[2] != "… and 4 more lines; see them without -w" {
		t.Errorf("got %q, want the number of lines that are left out", got)
	}
	if got := strings.Join(fitStatus(one(outage(25)), screen{statusWidth, 24}), "\n"); !strings.Contains(got,
		"37 orders: http 503") || !strings.Contains(got, " more partitions with ") {
		t.Errorf("got %s, want the response, and how many partitions are not shown", got)
	}
}

// mustFitHeight fails the test unless the output has at most height lines, with the state first. If the complete output
// fits, it must not be shortened. If the height is 24 or more, the output for a single worker with several partitions
// must include some of the partitions.
func mustFitHeight(t *testing.T, name string, all []workerpage.Asked, whole []string, height int) {
	t.Helper()
	got := fitStatus(all, screen{statusWidth, height})
	if len(got) > height || len(got) == 0 {
		t.Fatalf("%s: got %d lines for %d", name, len(got), height)
	}
	if height >= len(whole) && !slices.Equal(got, whole) {
		t.Errorf("%s: got %q for %d lines, want all of it", name, got, height)
	}
	first := "state     "
	if len(all) != 1 {
		first = summaryOf(all)
	}
	if height > 1 && !strings.HasPrefix(got[0], first) {
		t.Errorf("%s: got %q first, want %q", name, got[0], first)
	}
	if height >= 24 && len(all) == 1 && !strings.Contains(strings.Join(got, "\n"), "UNFINISHED") &&
		len(all[0].Status.Partitions) > 1 {
		t.Errorf("%s: got %q for %d lines, want some partitions", name, got, height)
	}
}

// longIDs returns a worker whose ids are as long as Kafka and LeadHit allow in practice, some of them wide.
func longIDs() (s status.Worker, orders []string) {
	s = troubled()
	orders = []string{strings.Repeat("0123456789", 9), strings.Repeat("注文", 30), "4712"}
	for i := range s.Orders {
		s.Orders[i].Order = orders[i]
	}
	return s, orders
}

func TestStatusNeverCutsAnOrderIDOrANumber(t *testing.T) {
	t.Parallel()
	s, orders := longIDs()
	got := strings.Join(fitStatus([]workerpage.Asked{{URL: "http://w:8080/status", Status: &s}}, screen{columns: statusWidth}), "\n")
	for _, want := range append(orders, "/11/98765432109", "orders/0/11872", " 98765442109 ", " 98765532109 ",
		" 10000\n") {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %q in it", got, want)
		}
	}
}

func TestStatusInAPipeCutsNothing(t *testing.T) {
	t.Parallel()
	s, orders := longIDs()
	s.Reason = strings.Repeat("long", 50)
	got := command(t, "", "status", workerPage(t, s))
	for _, want := range append(orders, s.Reason, s.Orders[0].Message, s.Orders[1].Event, s.Partitions[2].Topic+"/11 ") {
		if !strings.Contains(got.out, strings.TrimSpace(want)) {
			t.Errorf("got\n%s\nwant %q in it", got.out, want)
		}
	}
	if strings.Contains(got.out, "…") {
		t.Errorf("got\n%s\nwant nothing cut", got.out)
	}
}

func TestStatusLinesUpColumnsOfWideCharacters(t *testing.T) {
	t.Parallel()
	s, orders := longIDs()
	got := command(t, "", "status", workerPage(t, s))
	wide := lineWith(got.out, orders[1])
	heading := lineWith(got.out, "NEXT")
	if before, _, _ := strings.Cut(wide, "paused"); terminal.Width(before) != strings.Index(heading, "NEXT") {
		t.Errorf("got\n%s\n%s\nwant the columns lined up", heading, wide)
	}
}

// lineWith returns the first line of text that contains part.
func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}
