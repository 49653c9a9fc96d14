package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/user"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func client(t *testing.T) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(os.Getenv("KAFKA_BROKERS"), ",")...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// topics lists all topics.
func topics(t *testing.T) []string {
	t.Helper()
	request := kmsg.NewPtrMetadataRequest() // without a list of topics, the response has all topics
	answer, err := request.RequestWith(t.Context(), client(t))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, topic := range answer.Topics {
		names = append(names, *topic.Topic)
	}
	slices.Sort(names)
	return names
}

func TestAPauseOfAnUnknownGroupIsRefused(t *testing.T) {
	installed(t)
	t.Setenv("KAFKA_GROUP", "leadhit-snyc")
	for _, line := range [][]string{
		{"pause", "--reason", "LeadHit migrates", "--by", "alice"},
		{"pause", "--reason", "LeadHit migrates", "--by", "alice", "-o", "json"},
		{"resume", "--by", "alice"},
	} {
		got := command(t, "", line...)
		if got.code != exitError || got.out != "" || !strings.Contains(got.err, "group leadhit-snyc has no running worker") ||
			!strings.Contains(got.err, "KAFKA_GROUP") {
			t.Errorf("%q: got %+v, want exit code 1 and the setting to check", line, got)
		}
	}
	if got := topics(t); len(got) != 1 {
		t.Errorf("got the topics %v, want none that a command created", got)
	}

	command(t, "", "pause", "--reason", "LeadHit migrates", "--by", "alice", "--create").
		says(t, "paused: written to dlq.leadhit-snyc.ledger",
			"no worker of group leadhit-snyc is running; workers that start later will follow")
	command(t, "", "pause", "--reason", "once more", "--by", "alice").says(t, "already paused") // there is a ledger now
	command(t, "", "resume", "--by", "alice").says(t, "resumed by alice")
}

func TestACommandThatReadsCreatesNothing(t *testing.T) {
	installed(t)
	for _, line := range [][]string{
		{"letters", "list"},
		{"letters", "show", "orders/0/0"},
		{"resume", "--by", "alice"},
		{"status"},
		{"check"},
		{"preview"},
	} {
		command(t, "", line...)
		if got := topics(t); len(got) != 1 {
			t.Fatalf("%q: got the topics %v, want none that it created", line, got)
		}
	}
}

func TestAPauseCountsTheWorkersThatFollow(t *testing.T) {
	installed(t)
	f := followed(t, "run")
	f.until("joined the group")
	// With a fixed port, this worker has a client id of its own. The system takes ports for outgoing connections from
	// above this range.
	t.Setenv("HTTP_ADDR", fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(20000)))
	g := followed(t, "run")
	g.until("joined the group")
	await(t, "both are members", func() bool {
		got := command(t, "", "pause", "--reason", "LeadHit migrates", "--by", "alice")
		return strings.Contains(got.out, "2 workers of group leadhit-sync follow within seconds")
	})
	var did struct {
		Schema, Event, Group, Ledger, By, Reason string
		Written                                  bool
		Workers                                  *int
		At                                       time.Time
		Pauses                                   []struct{ Kind, By, Via, Reason string }
	}
	got := command(t, "", "resume", "--by", "bob", "--reason", "done", "-o", "json")
	if err := json.Unmarshal([]byte(got.out), &did); err != nil || got.code != 0 {
		t.Fatalf("got %+v: %v", got, err)
	}
	if did.Schema != "pause.v1" || did.Event != "resume" || !did.Written || did.Group != "leadhit-sync" ||
		did.Ledger != "dlq.leadhit-sync.ledger" ||
		did.By != "bob" || did.Reason != "done" || did.Workers == nil || *did.Workers != 2 || did.At.IsZero() {
		t.Errorf("got %s", got.out)
	}
	if len(did.Pauses) == 0 || did.Pauses[0].By != "alice" || did.Pauses[0].Kind != "by hand" ||
		did.Pauses[0].Via != "cli" || did.Pauses[0].Reason != "LeadHit migrates" {
		t.Errorf("got the pauses %+v, want alice's", did.Pauses)
	}
	got = command(t, "", "resume", "--by", "bob", "-o", "json")
	if err := json.Unmarshal([]byte(got.out), &did); err != nil || did.Written || len(did.Pauses) != 0 {
		t.Errorf("got %+v (%v) of a resume when nothing is paused", got, err)
	}
	f.end()
	g.end()
}

func TestAPauseAffectsOneGroupIfSeveralShareTheLedger(t *testing.T) {
	node := installed(t)
	t.Setenv("DEAD_LETTER_TOPIC", "dlq.all")
	f := followed(t, "run")
	await(t, "both calls", func() bool { return node.Count() == 2 })
	await(t, "the letter", func() bool { return len(letterIDs(t)) == 1 })

	t.Setenv("KAFKA_GROUP", "billing")
	if got := command(t, "", "pause", "--reason", "billing rests", "--by", "bob"); got.code != exitError ||
		!strings.Contains(got.err, "nothing in the ledger dlq.all.ledger") {
		t.Errorf("got %+v for a group that has only another one's ledger, want it refused", got)
	}
	command(t, "", "pause", "--reason", "billing rests", "--by", "bob", "--create").says(t, "paused")
	if got := command(t, "", "letters", "list"); strings.Contains(got.out, "4712") ||
		!strings.Contains(got.err, "1 letter of group leadhit-sync; --all-groups shows them") {
		t.Errorf("got %+v from letters list, want none of the other group, and a line about them", got)
	}
	if got := command(t, "", "letters", "list", "--all-groups"); !strings.Contains(got.out, "4712") ||
		strings.Contains(got.err, "--all-groups") {
		t.Errorf("got %+v from letters list --all-groups, want the letter", got)
	}
	t.Setenv("KAFKA_GROUP", "leadhit-sync")
	command(t, "", "resume", "--by", "carol").says(t, "no pause is in force")
	if got := command(t, "", "letters", "show", "orders/1/0"); got.code != 0 {
		t.Errorf("got %+v from letters show of our own group", got)
	}
	t.Setenv("KAFKA_GROUP", "billing")
	command(t, "", "resume", "--by", "carol").says(t, "billing rests")
	if code, said := f.end(); code != 0 || strings.Contains(said, "calls paused") {
		t.Errorf("got exit code %d and\n%s\nwant no pause by another group", code, said)
	}
}

func TestAServiceAccountMustNameThePerson(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		user *user.User
		err  error
		want string // "": --by is required
	}{
		"a person":                  {&user.User{Username: "alice", Uid: "1000"}, nil, "alice"},
		"the image's user":          {&user.User{Username: "leadhit-sync", Uid: "65532"}, nil, ""},
		"nobody":                    {&user.User{Username: "nobody", Uid: "65534"}, nil, ""},
		"another image's user":      {&user.User{Username: "nonroot", Uid: "65532"}, nil, ""},
		"a number without a name":   {nil, user.UnknownUserIdError(1000840000), ""},
		"a user with an empty name": {&user.User{Uid: "7"}, nil, ""},
		"users that cannot be read": {nil, errors.New("no passwd"), ""},
	} {
		got, err := personOf(c.user, c.err)
		if got != c.want || (err == nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), "--by") {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, c.want)
		}
	}
}

func TestListsOfPausesAreNotQuoted(t *testing.T) {
	installed(t)
	command(t, "", "pause", "--reason", "why", "--by", "alice", "--create").says(t, "paused")
	got := command(t, "", "resume", "--by", "alice")
	got.says(t, "\nby hand  since ")
	if strings.Contains(got.out, `"`) {
		t.Errorf("got %s, want nothing quoted", got.out)
	}
}
