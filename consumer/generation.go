package consumer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
)

// generation receives the effects of turns that belong to one generation of the group. No send to its channels blocks,
// because a partition has at most one fetch and one suspicion in flight, and one more of each after its log has been
// recreated. A generation has at most one commit in flight, and ends once.
type generation struct {
	member   groups.Member
	fetches  chan turn.Fetch
	commits  chan turn.Commit
	suspects chan event.Partition
	unknown  chan struct{} // closed when a commit got no response
	ended    chan turn.End

	// take starts a goroutine that fetches a letter. The goroutine gives up when the generation stops fetching.
	take func(turn.Take)

	closed, over bool // whether unknown is closed, and whether ended was written to; used only within a turn
}

func newGeneration(member groups.Member, partitions int) *generation {
	return &generation{
		member:   member,
		fetches:  make(chan turn.Fetch, 3*partitions),
		commits:  make(chan turn.Commit, 1),
		suspects: make(chan event.Partition, 3*partitions),
		unknown:  make(chan struct{}),
		ended:    make(chan turn.End, 1),
	}
}

// start receives the effects of a turn. unknownCommit says that the worker must become a new member.
func (g *generation) start(e turn.Effects, unknownCommit bool) {
	for _, f := range e.Fetches {
		g.fetches <- f
	}
	if e.Commit != nil {
		g.commits <- *e.Commit
	}
	for _, p := range e.Suspects {
		g.suspects <- p
	}
	for _, t := range e.Takes {
		g.take(t)
	}
	if unknownCommit && !g.closed {
		g.closed = true
		close(g.unknown)
	}
	if e.Ended != turn.NotEnded && !g.over {
		g.over = true
		g.ended <- e.Ended
	}
}

// live runs a generation, from reading its offsets to its end. The fetching context ends with the generation, or when
// the worker must stop. The working context outlives the generation, for the last calls and commits. live returns how
// the generation ended, and whether the worker must leave the group and rejoin it as a new member.
func (m *membership) live(
	fetching, working context.Context, g *generation, own []event.Partition,
) (end turn.End, leave bool) {
	if !m.prepareHere(fetching) {
		return turn.NotEnded, fetching.Err() == nil // the generation continues without this worker, or has ended
	}
	positions, gone, ok := m.starts.positions(fetching, own)
	if !ok {
		return turn.NotEnded, false
	}
	fetching, stopFetching := context.WithCancel(fetching)
	defer stopFetching()
	committing, stopCommitting := context.WithCancel(working)
	defer stopCommitting()
	// kafka-go keeps its member id across rebalances. A different id means that the coordinator has forgotten the old
	// member and rejects its late commits.
	newMember := g.member.ID != m.memberID
	m.memberID = g.member.ID
	g.take = func(t turn.Take) {
		m.spawn(func(context.Context) { m.takes.take(fetching, t) })
	}
	m.topics.assigned(g.member.Generation, own)
	m.send(func(now time.Time) {
		m.current = g
		m.fetcher.assigned(positions)
		m.own.assigned()
		m.dispatcher.Assigned(now, positions, newMember)
	})
	var hands sync.WaitGroup
	hands.Go(func() { m.fetcher.run(fetching, g) })
	hands.Go(func() { (&committer{m.base, g.member, m.topics}).run(committing, g.commits) })
	hands.Go(func() { m.own.catchUp(fetching, g) })
	if gone != nil {
		hands.Go(func() {
			m.starts.await(fetching, gone)
			stopFetching()
		})
	}
	m.enter(Running)

	select {
	case <-fetching.Done():
	case <-g.unknown:
		m.log.WarnContext(working,
			"a commit got no response and may still be applied; leaving and rejoining the group as a new member")
	case end = <-g.ended:
	}
	stopFetching()
	if end == turn.NotEnded {
		m.enter(Draining)
		m.send(func(time.Time) { m.dispatcher.Revoked() })
		end = g.drain()
	}
	m.logEnd(end)
	m.send(func(time.Time) {
		m.current = nil
		m.dispatcher.Lost()
		leave = m.dispatcher.NeedsNewMember() // after Lost, because a commit may still be in flight
	})
	// Do this only now, because the last commit must reach the broker before kafka-go may rejoin the group.
	stopCommitting()
	hands.Wait()
	m.letters.forget()
	return end, leave
}

// drain waits at most drainLimit until the calls in flight have ended and the last commit is acknowledged.
func (g *generation) drain() turn.End {
	limit := time.NewTimer(drainLimit)
	defer limit.Stop()
	select {
	case end := <-g.ended:
		return end
	case <-limit.C:
		return turn.NotEnded
	}
}

// logEnd logs what the end of a generation costs: repeated calls. A clean end costs nothing and is not logged.
func (m *membership) logEnd(end turn.End) {
	switch end {
	case turn.Fenced:
		m.log.Warn("the group has fenced this worker; the next owners of its partitions repeat the calls that no commit " +
			"covers")
	case turn.Expired:
		m.log.Warn("no commit was acknowledged for a whole session timeout; calls that no commit covers are repeated")
	case turn.NotEnded:
		m.log.Warn("the generation ends with unfinished work; the next owners of its partitions repeat the calls that no "+
			"commit covers",
			slog.Duration("limit", drainLimit))
	case turn.Drained: // as it should be
	}
}
