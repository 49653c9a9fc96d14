package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/view"
)

const by = "dismissed by alice"

// stored sets up a Kafka cluster with letters for orders 1, 2 and so on. The last letter belongs to another group.
func stored(t *testing.T, letters int) {
	t.Helper()
	var records []*kgo.Record
	for i := range letters {
		l := letterAt(int64(i))
		l.FailedAt, l.OrderID = time.Now().Add(time.Duration(i-letters)*time.Minute), string(rune('1'+i%9))
		if i == letters-1 {
			l.Group = "billing"
		}
		records = append(records, letterRecord(l))
	}
	brokers := kafkaWith(t, []string{"dlq.leadhit-sync"}, records)
	t.Setenv("KAFKA_BROKERS", strings.Join(brokers, ","))
}

func letterRecord(l deadletter.Letter) *kgo.Record {
	record := l.Encode()
	r := &kgo.Record{Topic: "dlq.leadhit-sync", Key: record.Key, Value: record.Value, Timestamp: l.FailedAt}
	for _, h := range record.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return r
}

// asAlice runs a command as the operator alice, with a reason.
func asAlice(t *testing.T, line string) result {
	t.Helper()
	return command(t, "", append(strings.Fields(line), "--by", "alice", "--reason", "they were tests")...)
}

// names returns the ids that a command prints with -o name.
func names(t *testing.T, line string) []string {
	t.Helper()
	got := command(t, "", append(strings.Fields(line), "-o", "name")...)
	if got.code != 0 {
		t.Fatalf("%s: got %+v", line, got)
	}
	return strings.Fields(got.out)
}

func TestLettersAreDismissedAndReopened(t *testing.T) {
	stored(t, 5)
	if got := names(t, "letters list"); !slices.Equal(got, []string{"orders/3/3", "orders/3/2", "orders/3/1", "orders/3/0"}) {
		t.Fatalf("got %q, want the letters of the group, the newest first", got)
	}
	got := asAlice(t, "letters dismiss orders/3/1 orders/3/2 --yes -o json")
	did := decoded[changes](t, got.out)
	if got.code != 0 || did.Schema != "changes.v1" || did.Counted != 2 || did.Letters[0].State != fold.Dismissed {
		t.Errorf("got %+v, want two letters dismissed", got)
	}
	if got := names(t, "letters list --sort failed"); !slices.Equal(got, []string{"orders/3/0", "orders/3/3"}) {
		t.Errorf("got %q, want the letters that are still open, the oldest first", got)
	}
	if got := command(t, "", "letters", "list"); !strings.Contains(got.err, "not shown: 2 dismissed; --state all shows them") {
		t.Errorf("got %+v, want a line about the dismissed ones", got)
	}
	second := command(t, "", "letters", "dismiss", "orders/3/1", "orders/3/0", "--yes", "--by", "bob", "--reason", "me too")
	if second.code != exitPartly || !strings.Contains(second.out, "dismissed 1 letter\n") ||
		!strings.Contains(second.out, "orders/3/1  not dismissed  "+by) {
		t.Errorf("got %+v, want exit code 3 and who was first", second)
	}
	if got := asAlice(t, "letters reopen orders/3/1"); got.code != 0 || !strings.Contains(got.out, "reopened 1 letter") {
		t.Errorf("got %+v from reopen", got)
	}
	if got := asAlice(t, "letters reopen orders/3/3"); got.code != exitPartly || !strings.Contains(got.out, "it is open") {
		t.Errorf("got %+v from reopen of an open letter, want exit code 3", got)
	}
	if got := names(t, "letters list --state open,dismissed --order 2,3"); !slices.Equal(got, []string{"orders/3/2", "orders/3/1"}) {
		t.Errorf("got %q, want the letters of both orders", got)
	}
	history := command(t, "", "letters", "show", "orders/3/1", "--history")
	for _, want := range []string{"reopened by alice they were tests", "dismissed by alice", "state open"} {
		if !strings.Contains(strings.Join(strings.Fields(history.out), " "), want) {
			t.Errorf("got %+v, want %q in the history", history, want)
		}
	}
}

func TestTheSecondOfTwoOperatorsIsToldWhoWasFirst(t *testing.T) {
	stored(t, 3)
	var out, errs strings.Builder
	c := rootCommand()
	c.SetContext(t.Context())
	c.SetOut(&out)
	c.SetErr(&errs)
	says := ledger.Entry{Event: ledger.LetterDismissed}
	if err := (&operatorFlags{"mine", "bob"}).sign(&says); err != nil {
		t.Fatal(err)
	}
	filter := view.Filter{States: []fold.State{fold.Open}}
	// alice closes a letter while bob is asked to confirm.
	err := changeLetters(c, filter, says, "table", func(letters, orders int) error {
		if letters != 2 || orders != 2 {
			t.Errorf("got %d letters of %d orders, want 2 of 2", letters, orders)
		}
		if got := asAlice(t, "letters dismiss orders/3/0 --yes"); got.code != 0 {
			t.Errorf("got %+v", got)
		}
		return nil
	})
	var coded codedError
	if !errors.As(err, &coded) || coded.code != exitPartly ||
		out.String() != "dismissed 1 letter\n-  orders/3/0  not dismissed  "+by+"\n" {
		t.Errorf("got %v and\n%s\nwant one dismissed, and who was first with the other", err, out.String())
	}
	history := command(t, "", "letters", "show", "orders/3/0", "--history").out
	if !strings.Contains(history, "without effect mine") {
		t.Errorf("got\n%s\nwant bob's entry, without effect", history)
	}
}

func TestDismissAsksBeforeItWrites(t *testing.T) {
	stored(t, 30)
	for line, c := range map[string]struct {
		code int
		err  string
	}{
		"letters dismiss":                         {exitUsage, "nothing selected"},
		"letters dismiss --all":                   {exitUsage, "unknown flag"},
		"letters dismiss 4711":                    {exitUsage, "is not a letter's id"},
		"letters dismiss orders/3/99 --yes":       {exitError, "no letter orders/3/99"},
		"letters dismiss orders/3/29 --yes":       {exitError, `belongs to group "billing"`},
		"letters dismiss --state open":            {exitDeclined, "without a terminal, give --yes"},
		"letters dismiss --version new --yes":     {exitUsage, "want a version"},
		"letters dismiss --state shut --yes":      {exitUsage, "want open, requeued"},
		"letters dismiss --header shop --yes":     {exitUsage, "want name=pattern"},
		"letters dismiss --cause Nothing --yes":   {0, ""},
		"letters reopen":                          {exitUsage, "is missing"},
		"letters show orders/3/1 --reveal --by a": {0, ""},
	} {
		if got := asAlice(t, line); got.code != c.code || !strings.Contains(got.err, c.err) {
			t.Errorf("%s: got %+v, want exit code %d and %q", line, got, c.code, c.err)
		}
	}
	for _, line := range []string{
		"letters dismiss orders/3/1 --yes", "letters reopen orders/3/1", "letters show orders/3/1 --reveal",
		"letters show orders/3/1 -o raw", "letters export --raw",
	} {
		if got := command(t, "", strings.Fields(line)...); got.code != exitUsage || !strings.Contains(got.err, "--reason is missing") ||
			got.out != "" {
			t.Errorf("%s: got %+v, want an error about the missing reason", line, got)
		}
	}
	if got := names(t, "letters list"); len(got) != 29 {
		t.Errorf("got %d open letters, want all 29", len(got))
	}
	if got := asAlice(t, "letters dismiss --state open --yes"); got.code != 0 || !strings.Contains(got.out, "dismissed 29 letters") {
		t.Errorf("got %+v, want all dismissed", got)
	}
}

func TestLookingAtAValueIsWrittenToTheLedgerFirst(t *testing.T) {
	stored(t, 3)
	const value = `{"order_id":"4711","status":"lost"}`
	if got := asAlice(t, "letters show orders/3/0 -o raw"); got.code != 0 || got.out != value {
		t.Errorf("got %+v from -o raw, want the bytes of the value alone", got)
	}
	if got := command(t, "", "letters", "show", "orders/3/0", "-o", "yaml"); got.code != 0 ||
		!strings.HasPrefix(got.out, "letters:\n") || !strings.Contains(got.out, "order_id: \"1\"") ||
		strings.Contains(got.out, `"lost"}`) {
		t.Errorf("got %+v from -o yaml, want the letter without its value", got)
	}
	if got := command(t, "", "letters", "export"); got.code != 0 || strings.Contains(got.out, "4711\"") ||
		strings.Count(got.out, "\n") != 2 || strings.Contains(got.out, "headers") {
		t.Errorf("got %+v from export, want two letters without events", got)
	}
	file := filepath.Join(t.TempDir(), "letters.jsonl")
	if got := asAlice(t, "letters export --raw --to "+file); got.code != 0 || got.out != "" {
		t.Errorf("got %+v from export --raw", got)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var one rawLine
		if err := json.Unmarshal([]byte(line), &one); err != nil || one.Schema != "letters.v1" || one.Value.Text != value {
			t.Errorf("got %s, %v, want the letter with its value", line, err)
		}
	}
	history := command(t, "", "letters", "show", "orders/3/0", "--history").out
	if got := strings.Count(history, "revealed"); got != 2 || !strings.Contains(history, "they were tests") {
		t.Errorf("got\n%s\nwant both looks and their reason", history)
	}
}

func TestOnlyItsOwnerMayReadAnExport(t *testing.T) {
	stored(t, 2)
	dir := t.TempDir()
	old := filepath.Join(dir, "old.jsonl")
	const before = "of last week\n"
	if err := os.WriteFile(old, []byte(strings.Repeat(before, 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(old, 0o666); err != nil { // not by WriteFile, where the umask would narrow it
		t.Fatal(err)
	}
	for _, file := range []string{filepath.Join(dir, "new.jsonl"), old} {
		if got := command(t, "", "letters", "export", "--to", file); got.code != 0 {
			t.Errorf("got %+v from export --to %s", got, file)
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 || len(text) == 0 || bytes.Contains(text, []byte(before)) {
			t.Errorf("%s: got permissions %v and %d bytes, want letters alone, which only the owner may read", file,
				info.Mode().Perm(), len(text))
		}
	}
	if got := command(t, "", "letters", "export", "--to", os.DevNull); got.code != 0 {
		t.Errorf("got %+v from an export to a device", got)
	}
}

func TestAnAuthorWithALineBreakIsRefusedSoNoValueIsShown(t *testing.T) {
	stored(t, 2)
	t.Setenv("DEAD_LETTER_TOPIC", "dlq.leadhit-sync")
	if got := command(t, "", "letters", "show", "orders/3/0", "--reveal", "--by", "al\nice", "--reason", "x"); got.code != exitUsage ||
		got.out != "" {
		t.Errorf("got %+v, want the name with a line break refused, and no value shown", got)
	}
}

func TestCausesAreListedWithTheirLetters(t *testing.T) {
	stored(t, 4)
	got := command(t, "", "letters", "groups")
	if lines := strings.Split(strings.TrimSpace(got.out), "\n"); got.code != 0 || len(lines) != 2 ||
		!strings.Contains(lines[1], "ValidationError Possible statuses: paid, submitted  new") {
		t.Errorf("got %+v, want one new cause", got)
	}
	asAlice(t, "letters dismiss orders/3/0 --yes")
	got = command(t, "", "letters", "groups", "--state", "all", "-o", "jsonl")
	one := decoded[causeView](t, got.out)
	if one.Schema != "causes.v1" || one.Letters != 3 || one.States[fold.Dismissed] != 1 || one.Orders != 3 {
		t.Errorf("got %+v, want the cause with its states", got)
	}
	if got := names(t, "letters list --fingerprint "+one.Fingerprint); len(got) != 2 {
		t.Errorf("got %q for the fingerprint, want both open letters", got)
	}
	if got := command(t, "", "letters", "groups", "--cause", "none"); got.out != "no letters match\n" {
		t.Errorf("got %+v for a cause that no letter has", got)
	}
}

func TestCheckExitsWithEightIfAThresholdIsExceeded(t *testing.T) {
	stored(t, 4)
	for line, want := range map[string]string{
		"letters check":                  "",
		"letters check --max-open 3":     "",
		"letters check --max-open 2":     "FAIL  3 letters are open, more than 2\n",
		"letters check --max-age 1m":     "FAIL  orders/3/0 failed ",
		"letters check --min-ttl 87600h": "FAIL  orders/3/0 expires in ",
	} {
		got := command(t, "", strings.Fields(line)...)
		if code := map[bool]int{true: 0, false: exitExceeded}[want == ""]; got.code != code || !strings.Contains(got.out, want) ||
			!strings.HasPrefix(got.out, "3 letters are open\n") {
			t.Errorf("%s: got %+v, want %q", line, got, want)
		}
	}
	got := command(t, "", "letters", "check", "--max-open", "0", "-o", "json")
	if is := decoded[letterCheck](t, got.out); is.OK || is.Open != 3 || len(is.Exceeded) != 1 || is.Schema != "open_letters.v1" {
		t.Errorf("got %+v, want it to say what is exceeded", got)
	}
}

// Any program that writes to the topic can add causes, so the number of counts must be bounded.
func TestABoundedNumberOfCausesIsCounted(t *testing.T) {
	t.Parallel()
	counts := map[string]int{}
	for i := range 150 {
		counts["Cause"+strconv.Itoa(i)] = 2 + i/149
	}
	got := mostNames(counts)
	if len(got) != 101 || got["others"] != 100 || got["Cause149"] != 3 {
		t.Errorf("got %d causes, %d others, %d of the most frequent, want 100, the others and 3", len(got), got["others"], got["Cause149"])
	}
}

func TestIdsOfLettersAndFingerprintsAreOfferedLive(t *testing.T) {
	stored(t, 3)
	for line, want := range map[string]string{
		"letters dismiss ": "orders/3/1 orders/3/0", "letters dismiss orders/3/1 ": "orders/3/0",
		"letters reopen orders/3/0": "orders/3/0", "letters groups --fingerprint ": letterAt(0).Fingerprint(),
		"letters list --state re": "requeued resolved", "letters dismiss --cause ": "ValidationError",
		"replay ": "orders/3/1 orders/3/0",
	} {
		got := completed(t, strings.Split(line, " ")...)
		prefix := line[strings.LastIndex(line, " ")+1:]
		got = slices.DeleteFunc(got, func(word string) bool { return !strings.HasPrefix(word, prefix) }) // as shells do
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

func TestTheHistoryOfAnotherGroupsLetterIsItsOwn(t *testing.T) {
	c := withLettersOf(t, 1)
	c.letter("orders/0/5", 0, func(l *deadletter.Letter) { l.Group = "billing" })
	c.entry(ledger.Entry{Event: ledger.LetterDismissed, ID: "orders/0/5", Reason: "of leadhit-sync, which has no such letter"})
	got := command(t, "", "letters", "show", "orders/0/5", "--history", "--all-groups", "-o", "json")
	shown := decoded[struct {
		Letters []struct{ History []historyStep }
	}](t, got.out)
	if len(shown.Letters) != 1 {
		t.Fatalf("got %+v, want the letter", got)
	}
	steps := shown.Letters[0].History
	if len(steps) != 1 || steps[0].Event != "letter" || !strings.HasPrefix(steps[0].By, "billing ") {
		t.Errorf("got %+v, want the letter of billing alone", steps)
	}
}
