package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/nemesis"
	"leadhit-sync/integration/program"
)

// testPlanted tests the judge: a worker with a planted fault must be caught, and a worker without one must not.
func (s *suite) testPlanted(t *testing.T, brokers []string) {
	t.Helper()
	kill := nemesis.Fault{Kind: nemesis.KillWorker, Calm: 3 * time.Second}
	scale := nemesis.Fault{Kind: nemesis.ScaleWorkers, Calm: 5 * time.Second, For: 5 * time.Second}
	calm := nemesis.Fault{Kind: nemesis.Forbidden, Calm: 8 * time.Second, For: time.Second}
	uncalled := func(r audit.Report) int { return len(r.Lost) + len(r.OutOfOrder) + len(r.Ahead) }
	wrongKey := nemesis.Fault{Kind: nemesis.Forbidden, Calm: 2 * time.Second, For: 2 * time.Second}
	t.Run("a planted fault is found", func(t *testing.T) {
		t.Parallel()
		binary, err := program.Build(t.Context(), t.TempDir(), "./integration/planted")
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			planted string
			faults  []nemesis.Fault
			found   func(audit.Report) int // nil: nothing may be found
		}{
			{"none", []nemesis.Fault{kill, wrongKey, kill}, nil},
			{"commit-first", []nemesis.Fault{kill}, func(r audit.Report) int { return len(r.Ahead) }},
			{"parallel", []nemesis.Fault{wrongKey}, func(r audit.Report) int { return len(r.OutOfOrder) }},
			{"403-to-letters", []nemesis.Fault{wrongKey}, func(r audit.Report) int { return len(r.Strange) }},
			{"letter-unawaited", []nemesis.Fault{wrongKey}, func(r audit.Report) int { return len(r.Ahead) }},
			{"timer-commit", []nemesis.Fault{kill}, func(r audit.Report) int { return len(r.OutOfOrder) }},
			{"skip", []nemesis.Fault{kill, wrongKey, scale}, nil},
			{"skip-after-rebalance", []nemesis.Fault{scale}, uncalled},
			{"skip-after-refusal", []nemesis.Fault{calm}, uncalled},
		} {
			t.Run(test.planted, func(t *testing.T) {
				t.Parallel()
				s.findPlanted(t, brokers, binary, test.planted, test.faults, test.found)
			})
		}
	})
}

// findPlanted runs the naive worker with a planted fault until found reports the fault. On a busy machine, workers do
// so little that one round may not reveal a fault, but three rounds must. If found is nil, the round must find nothing.
func (s *suite) findPlanted(
	t *testing.T, brokers []string, binary, planted string, faults []nemesis.Fault, found func(audit.Report) int,
) {
	t.Helper()
	for n := range 3 {
		r := s.newRound(t, fmt.Sprintf("planted-%s-%d", planted, n), brokers, binary, 2)
		report := r.plant(t, planted, faults)
		t.Logf("%v; %.1f samples a second; %.400s", report, r.sampler.pace(), strings.ReplaceAll(text(report.Err()), "\n", "; "))
		if found == nil {
			if report.Err() != nil || len(r.wrong) > 0 {
				t.Errorf("got %v, %v about a worker that does nothing wrong", report.Err(), r.wrong)
			}
			return
		}
		if found(report) > 0 {
			return
		}
	}
	t.Error("three rounds did not show the planted fault")
}

// plant runs the naive worker through a few faults.
func (r *round) plant(t *testing.T, planted string, faults []nemesis.Fault) audit.Report {
	t.Helper()
	r.settings["PLANTED"] = planted
	stop := r.stream(t, 50, chaosEvents(1, 10))
	first, second := r.victims[0], r.victims[1]
	r.start(t, first)
	r.joined(t, first)
	r.caughtUp(t, healLimit)
	if strings.HasPrefix(planted, "skip") { // a second worker, so that partitions move and return
		r.start(t, second)
		r.joined(t, second)
	}
	for _, f := range faults {
		r.strike(t, f)
	}
	stop()
	r.caughtUp(t, time.Minute)
	for _, v := range r.up(t) {
		r.end(t, v)
	}
	return r.compare(t)
}

// planted is a change to one file of the worker.
type planted struct{ file, old, new string }

// slowLedger makes the worker delay its ledger writes, so that a kill loses some.
func slowLedger(seconds int) planted {
	return planted{
		"ledger_writes.go", "\td.writes.waiting = append(d.writes.waiting, ledgerWrite{entries, then})\n",
		fmt.Sprintf("\tif len(d.writes.waiting) == 0 {\n\t\td.writes.notUntil = time.Now().Add(%d * time.Second)\n\t}\n"+
			"\td.writes.waiting = append(d.writes.waiting, ledgerWrite{entries, then})\n", seconds),
	}
}

// testPlantedReplays tests how replays are judged, with the real worker built from changed sources.
func (s *suite) testPlantedReplays(t *testing.T, brokers []string, seed uint64) {
	t.Helper()
	kill := nemesis.Fault{Kind: nemesis.KillWorker, Calm: 3 * time.Second}
	t.Run("a planted fault of replays is found", func(t *testing.T) {
		for _, test := range []struct {
			name  string
			edits []planted
			found func(audit.Report) int // nil: nothing may be found
		}{
			{"none", []planted{slowLedger(1)}, nil},
			{"marks-unawaited", []planted{slowLedger(4), {
				"calls.go", "if len(entries) == 0 {\n\t\tt.item().state = done", "if d.write(nil, entries...); d.live {\n\t\tt.item().state = done",
			}}, func(r audit.Report) int { return len(r.OutOfOrder) }},
			{"outcome-unawaited", []planted{slowLedger(2), {
				"replays.go", "d.write(func(time.Time) { d.leave(e) }, ", "d.leave(e)\n\td.write(nil, ",
			}}, func(r audit.Report) int { return len(r.Unended) }},
		} {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				binary, err := program.Build(t.Context(), dir, "./cmd/leadhit-sync", "-overlay", overlay(t, dir, test.edits))
				if err != nil {
					t.Fatal(err)
				}
				r := s.newRound(t, "planted-replays-"+test.name, brokers, binary, 1)
				report := r.plantReplays(t, seed, []nemesis.Fault{kill, kill, kill, kill})
				text := strings.ReplaceAll(text(report.Err()), "\n", "; ")
				t.Logf("%v; %v; %.400s", report, r.ledger.Counts, text)
				switch {
				case test.found == nil && (report.Err() != nil || len(r.wrong) > 0):
					t.Errorf("got %v, %v about a worker that does nothing wrong", report.Err(), r.wrong)
				case test.found != nil && test.found(report) == 0:
					t.Errorf("got %v, %v, want the planted fault", report, r.wrong)
				}
			})
		}
	})
}

// plantReplays makes LeadHit accept the status of many letters, and replays all of them together while new events for
// their orders arrive. After that it runs the worker through a few faults while operators replay at random.
func (r *round) plantReplays(t *testing.T, seed uint64, faults []nemesis.Fault) audit.Report {
	t.Helper()
	stop := r.stream(t, 100, judged(chaosEvents(seed, 5)))
	v := r.victims[0]
	r.start(t, v)
	r.joined(t, v)
	r.caughtUp(t, healLimit)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	operators := r.operators(t, seed)
	operators.learn(true)
	operators.read(ctx, time.Second)
	operators.write(ctx, operators.all("carol"))
	r.caughtUp(t, healLimit)
	rest := operators.begin(ctx)
	for _, f := range faults {
		r.strike(t, f)
	}
	cancel()
	rest()
	stop()
	r.caughtUp(t, time.Minute)
	operators.finish(t, time.Minute)
	r.ledger = &operators.ledger
	r.end(t, v)
	return r.compare(t)
}

// overlay writes the changed files, and returns the name of the overlay file for go build.
func overlay(t *testing.T, dir string, edits []planted) string {
	t.Helper()
	replace := make(map[string]string)
	for _, e := range edits {
		path, err := filepath.Abs(filepath.Join("..", "consumer", "dispatch", e.file))
		if err != nil {
			t.Fatal(err)
		}
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), e.old); n != 1 {
			t.Fatalf("the text to change occurs %d times in %s, want once: %q", n, e.file, e.old)
		}
		replace[path] = filepath.Join(dir, e.file)
		if err := os.WriteFile(replace[path], []byte(strings.Replace(string(source), e.old, e.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
