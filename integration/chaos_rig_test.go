package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"leadhit-sync/integration/apache"
	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/nemesis"
	"leadhit-sync/integration/program"
	"leadhit-sync/leadhit/sandbox"
)

// round is one run under faults: its workers, the faults, and samples of what the group had committed.
type round struct {
	*run

	name    string
	program string
	cluster *apache.Cluster
	address string // of LeadHit, where each process has its own path
	victims []*victim
	lives   []*life
	sampler *sampler
	sampled func()        // ends the sampling
	beside  bool          // LeadHit fails at the same time as other parts
	ledger  *audit.Ledger // nil: no operator is at work
	began   time.Time

	mu         sync.Mutex // for the fields below, because LeadHit's faults have their own goroutine
	losses     []audit.Loss
	happenings []happening
	statuses   []string // that LeadHit has learned
	wrong      []string // findings during the run, before the audit
	diary      *os.File
}

// victim is a worker that faults may hit. Its processes run one after another. If its address is fixed, a new process
// removes its dead predecessors from the group.
type victim struct {
	name    string
	address string // HTTP_ADDR
	starts  int
	life    *life // nil: down
}

// life is one process of a worker.
type life struct {
	*program.Program

	name string
}

// happening is a fault that the test has caused, with its times.
type happening struct {
	nemesis.Fault
	began, healed time.Time
}

const (
	chaosInFlight   = 16
	chaosSession    = 6 * time.Second
	chaosTimeout    = 2 * time.Second
	chaosLatency    = 20 * time.Millisecond
	chaosPartitions = 6
)

func (s *suite) newRound(t *testing.T, name string, brokers []string, binary string, workers int) *round {
	t.Helper()
	r := &round{
		run: s.newRun(t, brokers, chaosPartitions, sandbox.Faults{Latency: chaosLatency}), name: name, program: binary, began: time.Now(),
	}
	dir := filepath.Join(s.emitted, name)
	err := os.MkdirAll(dir, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if r.diary, err = os.Create(filepath.Join(dir, "diary.log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.diary.Close(); err != nil {
			t.Error(err)
		}
	})
	r.inFlight(chaosInFlight)
	maps.Copy(r.settings, map[string]string{
		"KAFKA_SESSION_TIMEOUT": chaosSession.String(), "LEADHIT_TIMEOUT": chaosTimeout.String(), "RETRY_INITIAL": "200ms", "RETRY_MAX": "2s",
	})
	r.serve(t)
	for i := range workers {
		v := &victim{name: fmt.Sprintf("w%d", i+1), address: "127.0.0.1:0"}
		if i%2 == 0 {
			v.address = freeAddress(t)
		}
		r.victims = append(r.victims, v)
	}
	t.Cleanup(func() {
		for _, l := range r.lives {
			if err := l.Kill(); err != nil {
				t.Error(err)
			}
		}
	})
	r.sampler, r.sampled = r.sample(t)
	return r
}

// serve starts the server of LeadHit's look-alike.
func (r *round) serve(t *testing.T) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: r.leadhit, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
	r.address = listener.Addr().String()
}

// start starts the next process of a worker.
func (r *round) start(t *testing.T, v *victim) {
	t.Helper()
	v.starts++
	name := fmt.Sprintf("%s-%d", v.name, v.starts)
	dir := filepath.Join(r.emitted, r.name, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{
		"KAFKA_BROKERS":        strings.Join(r.broker.addrs, ","),
		"KAFKA_TOPICS":         r.topic,
		"KAFKA_GROUP":          r.group,
		"LEADHIT_URL":          "http://" + r.address + "/" + name + "/api/v1/orders/",
		"LEADHIT_API_KEY_FILE": r.keyFile,
		"HTTP_ADDR":            v.address,
	}
	maps.Copy(settings, r.settings)
	process, err := program.Start(r.program, program.Options{Arguments: []string{"run"}, Settings: settings, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	v.life = &life{process, name}
	r.lives = append(r.lives, v.life)
}

// up returns the workers that should be running. If one has ended unexpectedly, up records a finding and restarts it.
func (r *round) up(t *testing.T) []*victim {
	t.Helper()
	var up []*victim
	for _, v := range r.victims {
		if v.life == nil {
			continue
		}
		if v.life.Ended() {
			r.blame("%s ended unexpectedly: %s", v.life.name, lastOf(v.life.Stderr()+v.life.Stdout(), 3))
			r.start(t, v)
		}
		up = append(up, v)
	}
	return up
}

// end shuts a worker down cleanly.
func (r *round) end(t *testing.T, v *victim) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
	defer cancel()
	r.keepMetrics(ctx, v.life)
	began := time.Now()
	code, err := v.life.Terminate(ctx)
	r.note("%s terminated: code %d after %.1f s", v.life.name, code, time.Since(began).Seconds())
	if err != nil || code != 0 {
		r.blame("%s: got exit code %d, %v after a SIGTERM at %s, want 0", v.life.name, code, err, began.Format(time.TimeOnly))
	}
	if err := v.life.Kill(); err != nil {
		t.Fatal(err)
	}
	v.life = nil
}

// keepMetrics writes the metrics of a process to a file. A naive worker has none.
func (r *round) keepMetrics(ctx context.Context, l *life) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	_, metrics, err := l.Get(ctx, "/metrics")
	if err == nil {
		err = os.WriteFile(filepath.Join(r.emitted, r.name, l.name, "metrics.txt"), []byte(metrics), 0o600)
	}
	if err != nil {
		r.note("%s: no metrics: %v", l.name, err)
	}
}

// joined waits until the process has joined the group once.
func (r *round) joined(t *testing.T, v *victim) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	if _, err := v.life.Line(ctx, "joined the group", nil); err != nil {
		r.blame("%s did not join: %v", v.life.name, err)
	}
}

// caughtUp waits until the group has committed everything that the topic contains now. If the group takes too long,
// that is a finding, but the test continues.
func (r *round) caughtUp(t *testing.T, limit time.Duration) {
	t.Helper()
	if why := r.catchUp(t, limit); why != "" {
		r.blame("at %s the group had not caught up within %v: %s", time.Now().Format(time.TimeOnly), limit, why)
	}
}

// catchUp waits as caughtUp does, and returns what is missing.
func (r *round) catchUp(t *testing.T, limit time.Duration) (missing string) {
	t.Helper()
	began := time.Now()
	var ends map[audit.Place]int64
	why := "the log ends are not known"
	for time.Since(began) < limit {
		if ends == nil {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			ends, _ = r.broker.ends(ctx, r.topic, r.partitions) // retried, because a broker may be dead
			cancel()
		}
		if ends != nil && r.sampler.reached(ends) {
			return ""
		}
		if ends != nil {
			why = fmt.Sprintf("the log ends were %v", ends)
		}
		until(t, time.Now().Add(50*time.Millisecond))
	}
	return why
}

// note writes a line to the round's own log.
func (r *round) note(format string, about ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = fmt.Fprintf(r.diary, time.Now().Format("15:04:05.000 ")+format+"\n", about...) // fails only if the disk does
}

// blame records a finding.
func (r *round) blame(format string, about ...any) {
	r.note("FOUND: "+format, about...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong = append(r.wrong, fmt.Sprintf(format, about...))
}

func (r *round) lose(l *life, cause audit.Cause, from, to time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.losses = append(r.losses, audit.Loss{Process: l.name, Cause: cause, From: from, To: to})
}

func (r *round) happened(f nemesis.Fault, began time.Time) {
	healed := time.Now()
	r.mu.Lock()
	r.happenings = append(r.happenings, happening{f, began, healed})
	r.mu.Unlock()
	r.note("%v for %v: healed after %.1f s", f.Kind, f.For, healed.Sub(began).Seconds())
}

// memberships returns the membership losses that the processes' logs report. A process logs a loss when it notices the
// loss: at most one session timeout later, or two if the broker did not respond.
func (r *round) memberships() []audit.Loss {
	lost := []string{
		"the group has fenced this worker", "no commit was acknowledged for a whole session",
		"a commit got no response", "the generation ends with unfinished work",
	}
	var found []audit.Loss
	for _, l := range r.lives {
		for text := range strings.SplitSeq(l.Stdout()+"\n"+l.Stderr(), "\n") {
			var line struct {
				Time time.Time `json:"time"`
				Msg  string    `json:"msg"`
			}
			if json.Unmarshal([]byte(text), &line) != nil {
				continue
			}
			for _, message := range lost {
				if strings.HasPrefix(line.Msg, message) {
					found = append(found, audit.Loss{Process: l.name, Cause: audit.Membership, From: line.Time.Add(-2 * chaosSession), To: line.Time})
				}
			}
		}
	}
	return found
}
