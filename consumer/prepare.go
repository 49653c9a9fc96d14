package consumer

import (
	"context"
	"time"
)

// prepareLimit is how long a generation waits for the topics that the first call needs. After that, the worker leaves
// the group, so that others can have the partitions, and waits outside.
const prepareLimit = 10 * time.Second

// prepare creates missing topics, and reads those that did not exist before the join. It blocks until both succeed, so
// that no event is fetched earlier. It returns false if ctx has ended.
func (m *membership) prepare(ctx context.Context) bool {
	if m.prepared {
		return true
	}
	if !m.prepareStore(ctx) {
		return false
	}
	if !m.own.readCreated(ctx) {
		return false
	}
	m.prepared = true
	return true
}

// prepareStore waits until letters can be stored.
func (m *membership) prepareStore(ctx context.Context) bool {
	if m.options.Prepare == nil {
		return true
	}
	for {
		err := m.options.Prepare(ctx)
		switch {
		case err == nil:
			m.waits.end(waitPrepared)
			m.preparing.Over(m.log).InfoContext(ctx, "the dead-letter topic can store letters again")
			return true
		case ctx.Err() != nil:
			return false
		}
		m.enter(Waiting)
		m.waits.begin(waitPrepared, "the dead-letter topic cannot store letters: "+withoutPorts(err.Error()))
		m.preparing.fail(m.log, err).WarnContext(ctx,
			"the dead-letter topic cannot store letters, so no call is made; trying again")
		if !m.preparing.Wait(ctx) {
			return false
		}
	}
}

// prepareHere calls prepare inside a generation, and gives it at most prepareLimit. It returns false if that time runs
// out or ctx has ended.
func (m *membership) prepareHere(ctx context.Context) bool {
	m.mayCreate.Store(true)
	ctx, cancel := context.WithTimeout(ctx, prepareLimit)
	defer cancel()
	return m.prepare(ctx)
}
