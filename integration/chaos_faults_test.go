package integration_test

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"leadhit-sync/integration/apache"
	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/nemesis"
	"leadhit-sync/leadhit/sandbox"
)

const (
	// healLimit is how long the group may take after a fault to commit everything. A lost broker costs up to a minute.
	healLimit = 90 * time.Second
	// patience replaces healLimit if LeadHit fails in the same round. In that case the next fault may start before the
	// group has caught up.
	patience = 10 * time.Second
)

// strike causes one fault. It returns when the fault is healed and the group has caught up, or when the time limit has
// passed.
func (r *round) strike(t *testing.T, f nemesis.Fault) {
	t.Helper()
	until(t, time.Now().Add(f.Calm))
	began := time.Now()
	r.note("%v for %v begins", f.Kind, f.For)
	switch {
	case f.Kind.Broker():
		r.strikeBroker(t, f)
	case f.Kind.Ours():
		r.strikeWorkers(t, f)
	default:
		undo := r.strikeLeadHit(f.Kind)
		until(t, began.Add(f.For))
		if err := undo(); err != nil {
			t.Fatal(err)
		}
	}
	if r.beside {
		_ = r.catchUp(t, patience) // at the end of the round the group must catch up
	} else {
		r.caughtUp(t, healLimit)
	}
	r.happened(f, began)
}

func (r *round) strikeWorkers(t *testing.T, f nemesis.Fault) {
	t.Helper()
	up := r.up(t)
	v := up[f.Which%len(up)]
	began := time.Now()
	switch f.Kind {
	case nemesis.KillWorker:
		l := v.life
		if err := l.Kill(); err != nil {
			t.Fatal(err)
		}
		r.lose(l, audit.Kill, began, began)
		r.note("%s killed", l.name)
		until(t, began.Add(f.For))
		r.start(t, v)
	case nemesis.FreezeWorker:
		if err := v.life.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		r.note("%s frozen", v.life.name)
		until(t, began.Add(f.For))
		thawed := time.Now()
		if err := v.life.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		r.note("%s continues", v.life.name)
		r.lose(v.life, audit.Freeze, began, thawed)
	case nemesis.RollWorkers:
		for _, v := range up {
			r.end(t, v)
			r.start(t, v)
			r.joined(t, v)
		}
	case nemesis.ScaleWorkers:
		for _, v := range up[1:] {
			r.end(t, v)
		}
		until(t, time.Now().Add(f.For))
		for _, v := range up[1:] {
			r.start(t, v)
		}
		for _, v := range up[1:] {
			r.joined(t, v)
		}
	default: // the caller handles the other kinds
	}
}

func (r *round) strikeBroker(t *testing.T, f nemesis.Fault) {
	t.Helper()
	nodes := r.cluster.Nodes()
	node := nodes[f.Which%len(nodes)]
	if f.Kind == nemesis.KillCoordinator || f.Kind == nemesis.FreezeCoordinator {
		node = r.coordinator(t, nodes)
	}
	hit, heal := node.Kill, node.Start
	if f.Kind == nemesis.FreezeBroker || f.Kind == nemesis.FreezeCoordinator {
		hit, heal = node.Freeze, node.Thaw
	}
	began := time.Now()
	r.note("%v: node %d", f.Kind, node.ID)
	if err := hit(); err != nil {
		t.Fatal(err)
	}
	until(t, began.Add(f.For))
	err := heal()
	if err := cmpErr(err, r.cluster.Ready(t.Context())); err != nil {
		t.Fatal(err)
	}
	r.note("node %d is back, every replica in sync after %.1f s", node.ID, time.Since(began).Seconds())
}

// coordinator finds the node that leads the group's partition of __consumer_offsets.
func (r *round) coordinator(t *testing.T, nodes []*apache.Node) *apache.Node {
	t.Helper()
	var found *apache.Node
	eventually(t, 30*time.Second, "the group's coordinator", func() string {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		answer, err := r.broker.client.FindCoordinator(ctx, &kafka.FindCoordinatorRequest{
			Addr: r.broker.client.Addr, Key: r.group, KeyType: kafka.CoordinatorKeyTypeConsumer,
		})
		if err != nil {
			return err.Error()
		}
		if answer.Error != nil {
			return answer.Error.Error()
		}
		for _, node := range nodes {
			if node.ID == answer.Coordinator.NodeID {
				found = node
				return ""
			}
		}
		return fmt.Sprint("node ", answer.Coordinator.NodeID)
	})
	return found
}

// strikeLeadHit makes LeadHit fail, until the returned function is called.
func (r *round) strikeLeadHit(kind nemesis.Kind) (undo func() error) {
	change := func(change func(*sandbox.Faults)) func() error {
		r.leadhit.Change(change)
		return func() error {
			r.leadhit.Change(func(f *sandbox.Faults) { *f = r.healthy() })
			return nil
		}
	}
	switch kind {
	case nemesis.Unavailable:
		return change(func(f *sandbox.Faults) { f.Status = 503 })
	case nemesis.Resets:
		return change(func(f *sandbox.Faults) { f.Resets = 1 })
	case nemesis.LostAnswers:
		return change(func(f *sandbox.Faults) { f.Lost = 0.1 })
	case nemesis.CutAnswers:
		return change(func(f *sandbox.Faults) { f.Cuts, f.LostResets = 0.2, 0.1 })
	case nemesis.SlowAnswers:
		return change(func(f *sandbox.Faults) { f.Latency, f.Jitter = time.Second, 1500*time.Millisecond })
	default:
		key := fmt.Sprintf("%s-%d", r.canary, time.Now().UnixNano())
		r.leadhit.SetKey(key)
		return func() error {
			err := os.WriteFile(r.keyFile+".new", []byte(key+"\n"), 0o600)
			return cmpErr(err, os.Rename(r.keyFile+".new", r.keyFile))
		}
	}
}

// strikeBeside makes LeadHit fail, once for each fault, while other parts may fail too. It stops when ctx is done.
func (r *round) strikeBeside(ctx context.Context, faults []nemesis.Fault) error {
	wait := func(d time.Duration) bool {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(d):
			return true
		}
	}
	for _, f := range faults {
		if !wait(f.Calm) {
			return nil
		}
		began := time.Now()
		r.note("%v for %v begins", f.Kind, f.For)
		undo := r.strikeLeadHit(f.Kind)
		wait(f.For)
		if err := undo(); err != nil {
			return err
		}
		r.happened(f, began)
	}
	return nil
}
