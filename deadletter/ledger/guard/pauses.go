package guard

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"leadhit-sync/deadletter/ledger"
)

// Guard decides whether the workers of a group pause. It folds the ledger's entries into the pauses in force, and it
// pauses on its own when too many of the last items became letters. The zero value is ready to use. One goroutine at a
// time may use it.
//
// The ledger is authoritative. A pause of our own takes effect at once, but it is kept separate until it has been read
// back from the ledger. A resume ends only the pauses that precede it there, so all workers reach the same state.
type Guard struct {
	// Worker names this process in the pauses that it announces. Build names its version and mapping. A resume accepts
	// fingerprints for one build.
	Worker, Build string

	flood    flood
	pauses   []ledger.Entry             // in force and read from the ledger, in its order
	seen     map[id]bool                // all pauses in this ledger, even ended ones: a second copy changes nothing
	accepted map[string]map[string]bool // fingerprints that a resume accepted, by build
	own      []ledger.Entry             // in force, but not read back yet
	told     int                        // how many entries of own were announced; these come first
}

// id identifies a pause. A write without a response is retried, so the ledger may hold the same pause twice.
type id struct {
	by string
	at int64 // Unix time in nanoseconds, so that the time zone does not matter
}

func idOf(e ledger.Entry) id { return id{e.By, e.At.UnixNano()} }

// Pause returns the pause in force that started first. The second result is false if calls may start.
func (g *Guard) Pause() (ledger.Entry, bool) {
	switch {
	case len(g.pauses) > 0:
		return g.pauses[0], true
	case len(g.own) > 0:
		return g.own[0], true
	}
	return ledger.Entry{}, false
}

func (g *Guard) paused() bool { return len(g.pauses)+len(g.own) > 0 }

// Pauses returns the pauses in force that were read from the ledger, in its order: those that a resume would end.
func (g *Guard) Pauses() []ledger.Entry { return slices.Clone(g.pauses) }

// Accepted notes that LeadHit accepted an item. Failures that will be retried do not count, so they are not reported.
func (g *Guard) Accepted() { g.add(item{}) }

// Refused notes that an order's letter will be stored for the first time. The order is empty if its id is unknown. The
// letter may complete a flood, so call Pause and Announcement afterwards.
func (g *Guard) Refused(now time.Time, order, fingerprint string) {
	known := g.accepted[g.Build][fingerprint]
	if !g.add(item{letter: !known, order: order, fingerprint: fingerprint}) {
		return
	}
	g.own, g.told = []ledger.Entry{{
		Event: ledger.GuardPause, At: now.UTC().Round(time.Millisecond), By: g.Worker,
		Reason: fmt.Sprintf("%d of the last %d items were dead letters, of %d orders",
			g.flood.letters, floodWindow, len(g.flood.orders)+g.flood.unnamed),
		Build: g.Build, Fingerprints: g.flood.fingerprints(),
	}}, 0
}

// add reports whether an item completes a flood. Calls that were in flight when a pause started end during the pause.
// Their outcomes may have the same cause as the pause, so they do not count.
func (g *Guard) add(i item) bool { return !g.paused() && g.flood.add(i) }

// Announcement returns the next entry that the caller must append to the ledger: a pause of our own, or one that a
// deleted ledger held. It returns each entry once. The second result is false if there is none. Other workers and a
// restarted process know only what the ledger holds, so the caller retries the write until it succeeds.
func (g *Guard) Announcement() (ledger.Entry, bool) {
	if g.told >= len(g.own) {
		return ledger.Entry{}, false
	}
	e := g.own[g.told]
	e.Via = cmp.Or(e.Via, "worker") // a pause that a deleted ledger held keeps its Via
	g.told++
	return e, true
}

// Follow takes the ledger's next entry for the group (see [ledger.Entry.For]). Pass all such entries in the ledger's
// order, including our own, because a resume ends only pauses that precede it. A new process starts at the beginning of
// the ledger.
func (g *Guard) Follow(e ledger.Entry) {
	paused := g.paused()
	switch {
	case e.Event == ledger.GuardResume:
		g.resume()
	case e.Event == ledger.GuardPause && !g.seen[idOf(e)]:
		g.readBack(e)
		g.begin(e)
	}
	if paused && !g.paused() {
		g.flood = flood{} // the operator has accepted the flood's letters
	}
}

// readBack removes from g.own a pause that the ledger now holds.
func (g *Guard) readBack(e ledger.Entry) {
	if g.seen == nil {
		g.seen = map[id]bool{}
	}
	g.seen[idOf(e)] = true
	i := slices.IndexFunc(g.own, func(own ledger.Entry) bool { return idOf(own) == idOf(e) })
	if i < 0 {
		return
	}
	// Usually the pause is the first one in g.own, because entries are announced in this order. Moving the entries
	// before the pause, rather than the many that may follow it, keeps readBack fast.
	copy(g.own[1:], g.own[:i])
	g.own = g.own[1:]
	if i < g.told {
		g.told--
	}
}

// begin starts a pause, unless a resume has already accepted all its fingerprints. In that case, the worker that wrote
// the pause had paused before it read the resume.
func (g *Guard) begin(e ledger.Entry) {
	unknown := func(fingerprint string) bool { return !g.accepted[e.Build][fingerprint] }
	if len(e.Fingerprints) > 0 && !slices.ContainsFunc(e.Fingerprints, unknown) {
		return
	}
	g.pauses = append(g.pauses, e)
}

func (g *Guard) resume() {
	if g.accepted == nil {
		g.accepted = map[string]map[string]bool{}
	}
	for _, e := range g.pauses {
		if g.accepted[e.Build] == nil {
			g.accepted[e.Build] = map[string]bool{}
		}
		for _, p := range e.Fingerprints {
			g.accepted[e.Build][p] = true
		}
	}
	g.pauses = nil
}

// Lost prepares for a new ledger. Call it after the ledger has been recreated; Follow continues with the new ledger's
// first entry. Pauses in force stay, and those that the new ledger does not hold are announced again. Otherwise a
// restart would forget them and a resume would not find them. So pass all entries of the new ledger to Follow before
// the next call to Announcement.
//
// Lost forgets which pauses the old ledger held, because a worker that reads only the new ledger does not know them,
// and all workers must reach the same state.
func (g *Guard) Lost() {
	g.own = slices.Concat(g.pauses, g.own)
	g.pauses, g.told = nil, 0
	g.seen = nil
}
