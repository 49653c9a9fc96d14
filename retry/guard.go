package retry

import (
	"fmt"
	"slices"
	"time"
)

// The events of an Entry.
const (
	GuardPause  = "guard.pause"
	GuardResume = "guard.resume"
)

// entryVersion is the version of an Entry's form.
const entryVersion = 1

// Entry says that all workers of the group pause, or that they go on. It stands in the ledger as JSON, under the key
// "guard"; the ledger's order is the order in which entries count.
type Entry struct {
	Version int       `json:"v"`  // 1
	Event   string    `json:"ev"` // GuardPause or GuardResume
	At      time.Time `json:"at"` // UTC, whole milliseconds
	By      string    `json:"by"` // a person, or the worker whose flood guard it was
	Via     string    `json:"via,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	// Build and Fingerprints are a flood guard's alone: the version and mapping that wrote the letters, and their causes.
	// The next resume accepts these causes, for this build.
	Build        string   `json:"build,omitempty"`
	Fingerprints []string `json:"fingerprints,omitempty"`
}

// guard is the flood guard, and what the ledger says of pauses and resumes.
//
// The ledger decides. A trip of our own counts at once, but stays apart until it has been read back: a resume that stands
// before it in the ledger does not end it, one behind it does, and so all workers come to the same end.
type guard struct {
	worker, build string
	flood         flood
	first         *Entry                     // the ledger's pause in force that came first
	tripped       map[string][]string        // causes of the pauses in force, by build
	accepted      map[string]map[string]bool // causes that were resumed from, by build
	own           *Entry                     // our trip, not yet read back
	announced     bool
}

// pause returns the pause in force, nil if there is none.
func (g *guard) pause() *Entry {
	if g.first != nil {
		return g.first
	}
	return g.own
}

// outcome counts the outcome of a status change, if calls flow: what was in the air at a trip comes to an end under the
// pause, and belongs to what caused it.
func (g *guard) outcome(now time.Time, o outcome) {
	if g.pause() != nil {
		return
	}
	o.letter = o.letter && !g.accepted[g.build][o.fingerprint]
	if !g.flood.add(o) {
		return
	}
	g.announced = false
	g.own = &Entry{
		Version: entryVersion, Event: GuardPause, At: now.UTC().Round(time.Millisecond), By: g.worker, Via: "worker",
		Reason: fmt.Sprintf("%d of the last %d outcomes were dead letters, of %d orders",
			g.flood.letters, floodWindow, len(g.flood.orders)+g.flood.unnamed),
		Build: g.build, Fingerprints: g.flood.fingerprints(),
	}
}

// announce returns, once, the entry that a trip has to write.
func (g *guard) announce() (Entry, bool) {
	if g.own == nil || g.announced {
		return Entry{}, false
	}
	g.announced = true
	return *g.own, true
}

// follow takes the ledger's next entry.
func (g *guard) follow(e Entry) {
	paused := g.pause() != nil
	switch e.Event {
	case GuardPause:
		if g.own != nil && e.By == g.own.By && e.At.Equal(g.own.At) {
			g.own = nil
		}
		g.ledgerPause(e)
	case GuardResume:
		g.ledgerResume()
	}
	if paused && g.pause() == nil {
		g.flood = flood{} // its letters have been answered for
	}
}

// ledgerPause pauses, unless every cause was accepted before: then it is an entry that was written twice, or that of a worker
// that tripped before it had read the resume.
func (g *guard) ledgerPause(e Entry) {
	news := func(fingerprint string) bool { return !g.accepted[e.Build][fingerprint] }
	if len(e.Fingerprints) > 0 && !slices.ContainsFunc(e.Fingerprints, news) {
		return
	}
	if g.first == nil {
		g.first = &e
	}
	if g.tripped == nil {
		g.tripped = map[string][]string{}
	}
	g.tripped[e.Build] = append(g.tripped[e.Build], e.Fingerprints...)
}

func (g *guard) ledgerResume() {
	if g.accepted == nil {
		g.accepted = map[string]map[string]bool{}
	}
	for build, prints := range g.tripped {
		if g.accepted[build] == nil {
			g.accepted[build] = map[string]bool{}
		}
		for _, p := range prints {
			g.accepted[build][p] = true
		}
	}
	g.first, g.tripped = nil, nil
}
