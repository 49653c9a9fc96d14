package main

import (
	"fmt"
	"os"
	"os/user"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// says fails the test unless the command succeeded and its output contains every string in wants.
func (r result) says(t *testing.T, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if r.code != 0 || !strings.Contains(r.out, want) {
			t.Errorf("got %+v, want exit code 0 and %q", r, want)
		}
	}
}

func TestAPauseLastsUntilAResume(t *testing.T) {
	node := installed(t)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	got := command(t, "", "pause", "--reason", "LeadHit migrates", "--create") // before there is a worker or a ledger
	got.says(t, "paused: written to dlq.leadhit-sync.ledger", "LeadHit migrates", me.Username, "group leadhit-sync",
		"leadhit-sync resume")
	if strings.Contains(got.out, "already") {
		t.Errorf("got %+v from the first pause, want nothing of an earlier one", got)
	}
	command(t, "", "pause", "--reason", "a fire", "--by", "bob").says(t, "already paused", "LeadHit migrates")

	f := followed(t, "run")
	f.until("calls paused by hand")
	select {
	case <-time.After(2 * time.Second):
	case <-t.Context().Done():
	}
	if n := node.Count(); n != 0 {
		t.Errorf("got %d calls in a pause that was there before the worker, want none", n)
	}
	command(t, "", "resume", "--by", "carol", "--reason", "done").
		says(t, "resumed by carol", "by hand", "by "+me.Username+" (cli)", "LeadHit migrates", "by bob (cli)", "a fire")
	await(t, "both calls", func() bool { return node.Count() == 2 })
	command(t, "", "resume").says(t, "no pause is in force")
	if code, said := f.end(); code != 0 || !strings.Contains(said, "calls resumed") {
		t.Errorf("got exit code %d and\n%s\nwant a line about the end of the pause", code, said)
	}
}

func TestAResumeAcceptsWhatTheFloodGuardPausedFor(t *testing.T) {
	node := installed(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(os.Getenv("KAFKA_BROKERS"), ",")...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const orders = 400
	for i := range orders {
		if err := client.ProduceSync(t.Context(), plainEvent("orders", int32(i%2), time.Now(), fmt.Sprint("bad-", i),
			"on-hold")).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	f := followed(t, "run")
	f.until("calls paused by the flood guard")
	calls, quiet := 0, 0
	await(t, "quiet for a second", func() bool {
		if n := node.Count(); n != calls {
			calls, quiet = n, 0
		}
		quiet++
		return quiet > 20
	})
	if n := node.Count(); n < 100 || n > 100+64+2 {
		t.Errorf("got %d calls of a bad deploy, want 100 to 166", n)
	}
	got := command(t, "", "resume", "--reason", "LeadHit was told")
	if got.code != 0 || !strings.Contains(got.out, "flood") || !strings.Contains(got.out, " (worker)") ||
		!strings.Contains(got.out, "dead letters, of") || !strings.Contains(got.out, "accepted, until another mapping") {
		t.Fatalf("got %+v from resume, want what it ended and what it accepts", got)
	}
	_, hint, _ := strings.Cut(got.out, "leadhit-sync letters list ")
	listed := command(t, "", append([]string{"letters", "list"}, strings.Fields(hint)[:2]...)...)
	if listed.code != 0 || !strings.Contains(listed.out, "bad-") {
		t.Errorf("got %+v from letters list %s, want the letters that the cause stands for", listed, hint)
	}
	await(t, "all letters", func() bool { return node.Count() >= orders+2 })
	if code, _ := f.end(); code != 0 {
		t.Errorf("got exit code %d, want 0", code)
	}
}

func TestAPauseNeedsAReason(t *testing.T) {
	t.Parallel()
	for _, line := range [][]string{
		{"pause"},
		{"pause", "--reason", " "},
		{"pause", "--reason", "two\nlines"},
		{"pause", "--reason", strings.Repeat("x", 1025)},
		{"pause", "--reason", "why", "--by", "a\x1b[2J"},
		{"pause", "now", "--reason", "why"},
		{"resume", "now"},
		{"resume", "--by", strings.Repeat("x", 257)},
	} {
		if got := command(t, "", line...); got.code != exitUsage || got.out != "" {
			t.Errorf("%q: got %+v, want a usage error", line, got)
		}
	}
}
