package main

import (
	"io"
	"strings"
	"time"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/operator/members"
)

// notation is the JSON form of what a command wrote to the ledger. Its names never change; new ones may be added.
// Workers is null rather than 0 if their number is not known, because 0 would mean that no worker follows the ledger.
type notation struct {
	Schema string `json:"schema"` // pause.v1
	Event  string `json:"event"`  // pause or resume
	// Written is false for a resume without a pause, which writes no entry.
	Written bool      `json:"written"`
	Group   string    `json:"group"`
	Ledger  string    `json:"ledger"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Reason  string    `json:"reason"`
	// Workers is the number of running workers that follow the ledger.
	Workers *int `json:"workers"`
	// Pauses lists the pauses that were already in force. A resume ends them all.
	Pauses []pauseView `json:"pauses"`

	followers members.Followers
	before    []ledger.Entry
}

// pauseView is the JSON form of a pause.
type pauseView struct {
	Kind         string    `json:"kind"`
	Since        time.Time `json:"since"`
	By           string    `json:"by"`
	Via          string    `json:"via"`
	Reason       string    `json:"reason"`
	Build        string    `json:"build,omitempty"`
	Fingerprints []string  `json:"fingerprints,omitempty"`
}

// notationOf truncates the time to milliseconds, as the ledger does, so the output can be compared with the entry.
func notationOf(says ledger.Entry, is operator.Pausing) notation {
	did := notation{
		Schema: "pause.v1", Event: strings.TrimPrefix(string(says.Event), "guard."), Written: is.Written, Group: says.Group,
		Ledger: is.Ledger, At: says.At.UTC().Truncate(time.Millisecond), By: says.By, Reason: says.Reason,
		Pauses: []pauseView{}, followers: is.Followers, before: is.Before,
	}
	if is.Followers.Unknown == nil {
		did.Workers = &is.Followers.Workers
	}
	for _, e := range is.Before {
		did.Pauses = append(did.Pauses, pauseView{e.Kind(), e.At.UTC(), e.By, e.Via, e.Reason, e.Build, e.Fingerprints})
	}
	return did
}

// print reports what was done.
func (n notation) print(out io.Writer) error {
	var p terminal.Page
	switch {
	case n.Event == "pause":
		p.Line("paused: written to %s", n.Ledger)
		p.Row("by", n.By)
		p.Row("reason", n.Reason)
		p.Line("%s; calls in flight end first", n.followers)
		if len(n.before) > 0 {
			p.Line("they were already paused; one resume ends all pauses:")
			printPauses(&p, n.before)
		}
		p.Line(`"leadhit-sync resume" ends it.`)
	case !n.Written:
		p.Line("no pause is in force, by hand or by the flood guard; nothing was written to %s", n.Ledger)
		p.Line("a worker that cannot write to it may still be paused; see leadhit-sync status")
	default:
		p.Line("resumed by %s: written to %s", terminal.Quote(n.By), n.Ledger)
		p.Line("%s", n.followers)
		p.Line("ended:")
		printPauses(&p, n.before)
		printAccepted(&p, n.before)
	}
	return p.Print(out)
}

// printPauses prints a line with the author for each pause, because several people may have paused the calls, and one
// resume ends all pauses.
func printPauses(p *terminal.Page, all []ledger.Entry) {
	for _, e := range all {
		who := "by " + e.By
		if e.Via != "" {
			who += " (" + e.Via + ")"
		}
		p.Row(e.Kind(), "since "+e.At.UTC().Format(time.RFC3339), who, e.Reason)
	}
}

// printAccepted lists the causes that no longer pause the workers. An operator can still look at their letters, with
// the command at the end of each line.
func printAccepted(p *terminal.Page, all []ledger.Entry) {
	seen := map[string]bool{}
	for _, e := range all {
		for _, fingerprint := range e.Fingerprints {
			key := e.Build + " " + fingerprint
			if seen[key] {
				continue
			}
			if len(seen) == 0 {
				p.Line("accepted, until another mapping or version is deployed:")
			}
			seen[key] = true
			p.Row(fingerprint, "of build "+e.Build, "leadhit-sync letters list --fingerprint "+fingerprint)
		}
	}
}
