package retry

import (
	"fmt"
	"slices"
	"time"
)

// Entry says that all workers of the group pause, or that they go on. Its place is the ledger, whose order is the order in
// which entries count.
type Entry struct {
	// Resume says that it ends the pauses that stand before it; else it is a pause.
	Resume bool
	At     time.Time // UTC, whole milliseconds
	By     string    // a person, or the worker whose flood guard it was
	Via    string    // by which way it came into the ledger, for those who read it; it decides nothing
	Reason string
	// Build and Fingerprints are a flood guard's alone: the version and mapping that wrote the letters, and what these
	// have in common. The next resume accepts these fingerprints, for this build.
	Build        string
	Fingerprints []string
}

// id is by what a pause is known again: it may be written twice.
type id struct {
	by string
	at int64 // nanoseconds, so that the zone does not matter
}

func (e Entry) id() id { return id{e.By, e.At.UnixNano()} }

// guard is the flood guard, and what the ledger says of pauses and resumes.
//
// The ledger decides. A trip of our own counts at once, but stays apart until it has been read back: a resume that stands
// before it in the ledger does not end it, one behind it does, and so all workers come to the same end.
type guard struct {
	worker, build string
	flood         flood
	pauses        []Entry                    // the ledger's that are in force
	stood         map[id]bool                // all pauses of this ledger, the ended ones too: none of them begins again
	accepted      map[string]map[string]bool // fingerprints that were resumed from, by build
	own           []Entry                    // in force, but not read in the ledger yet; the first told of them were announced
	told          int
}

// pause returns the pause in force that came first, nil if there is none.
func (g *guard) pause() *Entry {
	switch {
	case len(g.pauses) > 0:
		return &g.pauses[0]
	case len(g.own) > 0:
		return &g.own[0]
	}
	return nil
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
	g.own, g.told = []Entry{{
		At: now.UTC().Round(time.Millisecond), By: g.worker,
		Reason: fmt.Sprintf("%d of the last %d outcomes were dead letters, of %d orders",
			g.flood.letters, floodWindow, len(g.flood.orders)+g.flood.unnamed),
		Build: g.build, Fingerprints: g.flood.fingerprints(),
	}}, 0
}

// announce returns, once, the next entry that the ledger is to hold.
func (g *guard) announce() (Entry, bool) {
	if g.told >= len(g.own) {
		return Entry{}, false
	}
	g.told++
	return g.own[g.told-1], true
}

// follow takes the ledger's next entry.
func (g *guard) follow(e Entry) {
	paused := g.pause() != nil
	switch {
	case e.Resume:
		g.resume()
	case !g.stood[e.id()]:
		g.readBack(e)
		g.begin(e)
	}
	if paused && g.pause() == nil {
		g.flood = flood{} // its letters have been answered for
	}
}

// readBack takes a pause that stands in the ledger out of those that are to stand there.
func (g *guard) readBack(e Entry) {
	if g.stood == nil {
		g.stood = map[id]bool{}
	}
	g.stood[e.id()] = true
	i := slices.IndexFunc(g.own, func(own Entry) bool { return own.id() == e.id() })
	if i < 0 {
		return
	}
	// Mostly it is the first, as they were announced: those behind it, which may be many, stay where they are.
	copy(g.own[1:], g.own[:i])
	g.own = g.own[1:]
	if i < g.told {
		g.told--
	}
}

// begin pauses, unless every cause was accepted before: then it is the entry of a worker that tripped before it had read the
// resume.
func (g *guard) begin(e Entry) {
	news := func(fingerprint string) bool { return !g.accepted[e.Build][fingerprint] }
	if len(e.Fingerprints) > 0 && !slices.ContainsFunc(e.Fingerprints, news) {
		return
	}
	g.pauses = append(g.pauses, e)
}

func (g *guard) resume() {
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

// lost takes that the ledger is another one from now on: what is in force is to stand there too. What had stood in the old
// one is forgotten, for whoever reads the new one alone knows nothing of it, and all are to come to the same end.
func (g *guard) lost() {
	g.own = slices.Concat(g.pauses, g.own)
	g.pauses, g.told = nil, 0
	g.stood = nil
}
