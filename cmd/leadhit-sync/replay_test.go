package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/replay"
)

const (
	testLetters = "dlq.leadhit-sync"
	testLedger  = testLetters + ".ledger"
)

// lettersOnly is a cluster with letters, and a model of a worker that ends each replay at once.
type lettersOnly struct {
	t       *testing.T
	fake    *kfake.Cluster
	client  *kgo.Client
	refuses func(id string) bool

	mu    sync.Mutex
	calls map[string]int
}

// withLettersOf sets up a cluster with n letters for events in orders/0. It does not start the model of a worker.
func withLettersOf(t *testing.T, n int) *lettersOnly {
	t.Helper()
	noSettings(t)
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, testLetters, testLedger), kfake.SeedTopics(2, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.ConsumeTopics(testLedger),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.FetchMaxWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	t.Setenv("KAFKA_BROKERS", strings.Join(fake.ListenAddrs(), ","))
	t.Setenv("KAFKA_TOPICS", "orders")
	c := &lettersOnly{t: t, fake: fake, client: client, calls: map[string]int{}}
	for i := range n {
		c.letter(fmt.Sprintf("orders/0/%d", i), 0, nil)
	}
	return c
}

// letter stores a letter. If change is not nil, change adapts the letter first.
func (c *lettersOnly) letter(id string, replays int, change func(l *deadletter.Letter)) {
	of, err := ledger.ParseID(id)
	if err != nil {
		c.t.Error(err)
	}
	l := deadletter.Letter{
		Record: event.Record{
			Place: event.Place{Topic: of.Topic, Partition: of.Partition, Offset: of.Offset}, Key: []byte("k"),
			Value: fmt.Appendf(nil, `{"order_id":"o%d","status":"paid"}`, of.Offset),
		},
		Item: of.Item, OrderID: fmt.Sprintf("o%d", of.Offset), Status: "lost", Stage: deadletter.StageCall,
		Cause: "ValidationError", FailedAt: time.Now(), Group: "leadhit-sync", ReplayCount: replays,
	}
	if change != nil {
		change(&l)
	}
	encoded := l.Encode()
	stored := &kgo.Record{Topic: testLetters, Key: encoded.Key, Value: encoded.Value}
	for _, h := range encoded.Headers {
		stored.Headers = append(stored.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	c.write(stored)
}

func (c *lettersOnly) write(r *kgo.Record) {
	if err := c.client.ProduceSync(context.WithoutCancel(c.t.Context()), r).FirstErr(); err != nil {
		c.t.Error(err)
	}
}

// entry appends an entry about a letter.
func (c *lettersOnly) entry(e ledger.Entry) {
	e.At, e.By, e.Group = time.Now(), "worker", "leadhit-sync"
	key, value, err := e.Record()
	if err != nil {
		c.t.Error(err)
	}
	c.write(&kgo.Record{Topic: testLedger, Key: key, Value: value})
}

// worker starts the model. Of several replay entries with the same number, the model counts only the first, as package
// fold does.
func (c *lettersOnly) worker() {
	ctx, stop := context.WithCancel(c.t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		counted := map[string]int{}
		for ctx.Err() == nil {
			c.client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				e, err := ledger.Parse(r.Value)
				if err != nil || e.Event != ledger.LetterReplay || e.N != counted[e.ID]+1 {
					return
				}
				counted[e.ID] = e.N
				c.call(e)
			})
		}
	})
	c.t.Cleanup(func() {
		stop()
		done.Wait()
	})
}

func (c *lettersOnly) call(e ledger.Entry) {
	c.mu.Lock()
	c.calls[e.ID]++
	c.mu.Unlock()
	if c.refuses != nil && c.refuses(e.ID) {
		c.letter(e.ID, e.N, nil)
		return
	}
	c.entry(ledger.Entry{Event: ledger.LetterResolved, ID: e.ID, N: e.N, Run: e.Run})
}

func (c *lettersOnly) called() (all int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.calls {
		all += n
	}
	return all
}

// replays runs the replay command with a reason and a name; args select the letters.
func replays(t *testing.T, args ...string) result {
	t.Helper()
	return command(t, "", append([]string{"replay", "--reason", "fixed", "--by", "anna"}, args...)...)
}

func TestLettersAreReplayedAndTheRunIsShown(t *testing.T) {
	c := withLettersOf(t, 30)
	c.worker()
	got := replays(t, "--state", "open", "--yes", "--rate", "500/s")
	if got.code != 0 || !strings.Contains(got.out, "30 of 30 done") || !strings.Contains(got.out, "resolved  30") {
		t.Fatalf("got %+v, want 30 letters resolved", got)
	}
	for _, want := range []string{
		"30 ready.", "Replay 30 letters of 30 orders at 500/s", "current mapping  30 × call paid", "o0, o1, o2",
		"group leadhit-sync has no worker",
	} {
		if !strings.Contains(got.err, want) {
			t.Errorf("got %s, want %q in the plan", got.err, want)
		}
	}
	run := strings.TrimSuffix(strings.Fields(got.out)[1], ":")
	if words := completed(t, "runs", ""); len(words) != 1 || words[0] != run {
		t.Errorf("got %q offered for runs, want %s", words, run)
	}
	if shown := command(t, "", "runs", run); shown.code != 0 || !strings.Contains(shown.out, "30/30") ||
		!strings.Contains(shown.out, "anna") || !strings.Contains(shown.out, ": done") {
		t.Errorf("got %+v, want the run", shown)
	}
	shown := decoded[struct {
		Schema string
		Runs   []runView
	}](t, command(t, "", "runs", "-o", "json").out)
	if shown.Schema != "runs.v1" || len(shown.Runs) != 1 || shown.Runs[0].Resolved != 30 || shown.Runs[0].Stopped == nil {
		t.Errorf("got %+v, want the run as JSON", shown)
	}
	if again := replays(t, "--state", "open", "--yes"); again.code != 0 || !strings.Contains(again.out, "no letter is ready") {
		t.Errorf("got %+v from the same command again, want nothing to do", again)
	}
	if n := c.called(); n != 30 {
		t.Errorf("got %d calls, want 30", n)
	}
}

func TestRefusedAgainIsPartlyDone(t *testing.T) {
	c := withLettersOf(t, 5)
	c.refuses = func(id string) bool { return id == "orders/0/3" }
	c.worker()
	got := replays(t, "--cause", "ValidationError", "--yes", "-o", "json")
	v := decoded[replayView](t, got.out)
	if got.code != exitPartly || v.Schema != "replay.v1" || v.Resolved != 4 || v.Refused != 1 || v.Stop != "" || v.By != "anna" {
		t.Errorf("got %+v, want one refused again", got)
	}
}

func TestARefusedCanaryEndsWithTheRestUntouched(t *testing.T) {
	c := withLettersOf(t, 5)
	c.refuses = func(string) bool { return true }
	c.worker()
	got := replays(t, "--state", "open", "--yes")
	if got.code != exitPartly || !strings.Contains(got.out, "4 letters are untouched") || c.called() != 1 {
		t.Errorf("got %+v and %d calls, want one", got, c.called())
	}
}

func TestTheBreakerEndsWithTheRestUntouched(t *testing.T) {
	c := withLettersOf(t, 100)
	c.refuses = func(id string) bool { return id > "orders/0/2" } // in text order: 0 to 2 and 10 to 19 are accepted
	c.worker()
	got := replays(t, "--state", "open", "--yes", "--rate", "50/s")
	if got.code != exitPartly || !strings.Contains(got.out, "outcomes were refusals") || c.called() > 70 {
		t.Errorf("got %+v and %d calls, want a stop", got, c.called())
	}
}

func TestUsageOfReplay(t *testing.T) {
	for line, want := range map[string]string{
		"--reason r":                            "no letters selected",
		"--state open":                          "--reason is missing",
		"--reason r --ids-from x":               "--ids-from: want -",
		"--reason r --ids-from -":               "stdin has no ids",
		"--reason r 4711":                       "is not a letter's id",
		"--reason r --state open --rate 0/s":    "want letters per second",
		"--reason r --state open --breaker 120": "want a percentage",
		"--reason r --state open --limit 0":     "must be 1 or more",
		"--reason r --state open --timeout 0s":  "--timeout above 0",
	} {
		if got := command(t, "", append([]string{"replay"}, strings.Split(line, " ")...)...); got.code != exitUsage ||
			!strings.Contains(got.err, want) || got.out != "" {
			t.Errorf("%q: got %+v, want exit code 2 and %q", line, got, want)
		}
	}
}

func TestIDsOnStdinAreNeverCut(t *testing.T) {
	for want, stdin := range map[string]string{
		"--ids-from: more than 16 MiB":   strings.Repeat("orders/0/10\n", 1_500_000),
		"--ids-from: a line is too long": strings.Repeat("1", 70_000),
	} {
		got := command(t, stdin, "replay", "--ids-from", "-", "--reason", "r")
		if got.code != exitUsage || !strings.Contains(got.err, want) || got.out != "" {
			t.Errorf("got %+v, want exit code 2 and %q", got, want)
		}
	}
}

func TestWithoutATerminalThePlanIsPrintedAndYesRequired(t *testing.T) {
	c := withLettersOf(t, 3)
	c.worker()
	got := replays(t, "--state", "open")
	if got.code != exitDeclined || !strings.Contains(got.err, "3 ready.") || !strings.Contains(got.err, "add --yes") {
		t.Errorf("got %+v, want the plan and a refusal", got)
	}
	dry := command(t, "orders/0/1\n\norders/0/9\n", "replay", "--ids-from", "-", "--dry-run", "-o", "json")
	v := decoded[struct {
		Schema  string
		Letters []struct {
			Becomes struct{ Action, Status string }
		}
		Counts map[replay.Class]int
	}](t, dry.out)
	if dry.code != 0 || v.Schema != "plan.v1" || len(v.Letters) != 1 || v.Counts["expired"] != 1 ||
		v.Letters[0].Becomes.Action != "call" || v.Letters[0].Becomes.Status != "paid" {
		t.Errorf("got %+v, want a plan", dry)
	}
	if c.called() > 0 {
		t.Errorf("got %d calls, want none", c.called())
	}
}

func TestAPersonTypesTheNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		letters int
		typed   string
		code    int
	}{{26, "26\n", 0}, {26, "25\n", exitDeclined}, {26, "yes\n", exitDeclined}, {26, "", exitDeclined}, {25, "yes\n", 0}, {25, "\n", exitDeclined}} {
		o := replayOptions{answers: true, stdin: bufio.NewReader(strings.NewReader(c.typed))}
		p := replayPlan{Plan: operator.Plan{Plan: replay.Plan{Letters: make([]replay.Planned, c.letters)}}, Rate: 10}
		var said strings.Builder
		command := replayCommand()
		command.SetErr(&said)
		err := o.confirm(t.Context(), command, p)
		var coded codedError
		if code := 0; errors.As(err, &coded) && coded.code != c.code || err == nil && c.code != code {
			t.Errorf("got %v for %d letters and %q, want exit code %d", err, c.letters, c.typed, c.code)
		}
		if !strings.Contains(said.String(), "cannot be undone") {
			t.Errorf("got %q, want a warning", said.String())
		}
	}
}

func TestLettersThatNobodyMayReplayAreRefused(t *testing.T) {
	c := withLettersOf(t, 0)
	c.letter("orders/0/0", 0, func(l *deadletter.Letter) { l.Group = "other" })
	c.letter("gone/0/1", 0, nil)
	c.letter("orders/7/2", 0, nil)
	c.letter("orders/0/3", 0, func(l *deadletter.Letter) {
		l.Omitted, l.Value = &deadletter.Digest{Size: 9}, nil
		l.Partition = 1
	})
	c.letter("orders/0/4", 0, func(l *deadletter.Letter) { l.OrderID, l.Key = "", nil })
	c.letter("orders/0/5", 0, nil)
	c.entry(ledger.Entry{Event: ledger.LetterOvertaken, ID: "orders/0/5", Newer: "orders/0/6"})
	c.worker()
	for id, want := range map[string]string{
		"orders/0/0": "foreign  it belongs to group other",
		"gone/0/1":   "foreign  the group does not consume its topic",
		"orders/7/2": "foreign  the group does not consume its topic",
		"orders/0/4": "order-unknown",
		"orders/0/5": "superseded  LeadHit accepted a newer event of its order: orders/0/6",
		"orders/0/9": "expired  no such letter",
	} {
		if got := replays(t, id, "--yes"); got.code != exitDeclined || !strings.Contains(got.err, id+"  "+want) || got.out != "" {
			t.Errorf("%s: got %+v, want exit code 5 and %q", id, got, want)
		}
	}
	if n := c.called(); n > 0 {
		t.Errorf("got %d calls, want none", n)
	}
	if got := replays(t, "orders/0/5", "--force", "--yes"); got.code != 0 || c.called() != 1 {
		t.Errorf("got %+v with --force, want it to be sent", got)
	}
}

func TestWithoutTheRightToWriteTheLedgerNothingIsAskedFor(t *testing.T) {
	c := withLettersOf(t, 3)
	c.fake.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.fake.KeepControl()
		request, _ := r.(*kmsg.ProduceRequest)
		response, _ := request.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range request.Topics {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.ErrorCode = kerr.TopicAuthorizationFailed.Code
			response.Topics = append(response.Topics, kmsg.ProduceResponseTopic{
				Topic: topic.Topic, TopicID: topic.TopicID, Partitions: []kmsg.ProduceResponseTopicPartition{partition},
			})
		}
		return response, nil, true
	})
	got := replays(t, "--state", "open", "--yes")
	if got.code != exitError || !strings.Contains(got.err, "grant") || !strings.Contains(got.err, "Write") ||
		!strings.Contains(got.err, testLedger) || !strings.Contains(got.err, "no letter was requeued") {
		t.Errorf("got %+v, want the missing permission", got)
	}
}

func TestAReplayThatIsInterruptedSaysWhatContinues(t *testing.T) {
	c := withLettersOf(t, 40)
	c.worker()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, errs strings.Builder
	var done sync.WaitGroup
	code := 0
	done.Go(func() {
		code = execute(ctx, strings.Fields("replay --state open --reason fixed --by anna --yes"),
			streams{in: strings.NewReader(""), out: &out, err: &errs})
	})
	await(t, "some calls", func() bool { return c.called() > 5 })
	stop()
	done.Wait()
	if code != exitInterrupted || !strings.Contains(out.String(), "untouched: run the same command again") {
		t.Errorf("got exit code %d and %s%s, want 130 and what is left", code, out.String(), errs.String())
	}
	if got := replays(t, "--state", "open", "--yes", "--rate", "100"); got.code != 0 {
		t.Errorf("got %+v from the same command again, want the rest", got)
	}
	for id, n := range c.calls {
		if n != 1 {
			t.Errorf("got %d calls of %s, want 1", n, id)
		}
	}
	if len(c.calls) != 40 {
		t.Errorf("got %d letters sent, want 40", len(c.calls))
	}
}

func TestAPlanSaysThatNothingHasChanged(t *testing.T) {
	c := withLettersOf(t, 0)
	for i, version := range []string{"1.9.0", "1.8.0", "1.9.0"} {
		c.letter(fmt.Sprintf("orders/0/%d", i), 0, func(l *deadletter.Letter) { l.Status, l.Version = "paid", version })
	}
	const want = "nothing has changed: for every letter, the mapping asks for the same as when it failed " +
		"(workers of version 1.8.0, 1.9.0); the letters fail again unless LeadHit or the workers have changed"
	if got := replays(t, "--state", "open", "--dry-run"); got.code != 0 || !strings.Contains(got.out, want) {
		t.Errorf("got %+v, want %q", got, want)
	}
	c.letter("orders/0/3", 0, nil) // it failed with status lost, and would now be sent as paid
	if got := replays(t, "--state", "open", "--dry-run"); strings.Contains(got.out, "nothing has changed") {
		t.Errorf("got %+v, want no such warning", got)
	}
}

func TestARunCountsWhatSomebodyElseHadAskedFor(t *testing.T) {
	c := withLettersOf(t, 2)
	for _, e := range []ledger.Entry{
		{Event: ledger.RunStart, Run: "r_1", Count: 1},
		{Event: ledger.RunStart, Run: "r_2", Count: 2},
		{Event: ledger.LetterReplay, Run: "r_1", ID: "orders/0/0", N: 1},
		{Event: ledger.LetterReplay, Run: "r_2", ID: "orders/0/0", N: 1},
		{Event: ledger.LetterReplay, Run: "r_2", ID: "orders/0/1", N: 1},
	} {
		e.Reason = "a test"
		c.entry(e)
	}
	shown := decoded[struct{ Runs []runView }](t, command(t, "", "runs", "-o", "json").out)
	if len(shown.Runs) != 2 || shown.Runs[0].Lost != 0 || shown.Runs[1].Lost != 1 || shown.Runs[1].Asked != 1 {
		t.Errorf("got %+v, want one letter that the second run requested too late", shown)
	}
	if got := command(t, "", "runs"); !strings.Contains(got.out, "1 too late") {
		t.Errorf("got %+v, want the same as text", got)
	}
}

func TestCheckCountsLettersThatExpiredAndLeavesOutOvertakenOnes(t *testing.T) {
	c := withLettersOf(t, 3)
	c.entry(ledger.Entry{Event: ledger.LetterReplay, ID: "orders/0/77", N: 1, Reason: "a test"})
	c.entry(ledger.Entry{Event: ledger.LetterOvertaken, ID: "orders/0/78", Newer: "orders/0/80"})
	c.entry(ledger.Entry{Event: ledger.LetterOvertaken, ID: "orders/0/1", Newer: "orders/0/79"})
	const want = "2 letters are open\n1 letter is overtaken: LeadHit has a newer status of its order\n"
	got := command(t, "", "letters", "check", "--max-open", "2", "--min-ttl", "0")
	if got.code != 0 || !strings.HasPrefix(got.out, want) || !strings.Contains(got.out, "\n1 letter expired while open\n") {
		t.Errorf("got %+v, want %q, and one letter that expired", got, want)
	}
	is := decoded[letterCheck](t, command(t, "", "letters", "check", "-o", "json").out)
	if is.Open != 2 || is.Overtaken != 1 || is.Expired != 1 || is.OldestID != "orders/0/0" {
		t.Errorf("got %+v, want 2 open, one overtaken, one expired", is)
	}
}
