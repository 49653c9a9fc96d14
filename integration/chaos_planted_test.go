package integration_test

import (
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/nemesis"
	"leadhit-sync/integration/program"
)

// testPlanted is the test of the judge: a worker with a planted fault must be caught, and one without must not.
func (s *suite) testPlanted(t *testing.T, brokers []string) {
	t.Helper()
	kill := nemesis.Fault{Kind: nemesis.KillWorker, Calm: 3 * time.Second}
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
		} {
			t.Run(test.planted, func(t *testing.T) {
				t.Parallel()
				r := s.newRound(t, "planted-"+test.planted, brokers, binary, 1)
				report := r.plant(t, test.planted, test.faults)
				text := strings.ReplaceAll(text(report.Err()), "\n", "; ")
				t.Logf("%v; %.1f samples a second; %.400s", report, r.sampler.pace(), text)
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

// plant runs the naive worker through a few faults.
func (r *round) plant(t *testing.T, planted string, faults []nemesis.Fault) audit.Report {
	t.Helper()
	r.settings["PLANTED"] = planted
	stop := r.stream(t, 50, chaosEvents(1, 10))
	v := r.victims[0]
	r.start(t, v)
	r.joined(t, v)
	r.caughtUp(t, healLimit)
	for _, f := range faults {
		r.strike(t, f)
	}
	stop()
	r.caughtUp(t, time.Minute)
	r.end(t, v)
	return r.compare(t)
}
