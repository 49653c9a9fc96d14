package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"testing"
	"time"

	"leadhit-sync/integration/mutation"
)

// mutantSeeds is the maximum number of histories that a mutant may survive.
const mutantSeeds = 1500

const simulator = "TestSimulator"

// These folders contain the parts of the core that are in other packages: governor for LeadHit's health, guard for the
// pauses in the ledger, and states for the states of letters.
const (
	governor = "../../retry/"
	guard    = "../../deadletter/ledger/guard/"
	states   = "../../deadletter/ledger/fold/"
)

type edit = mutation.Edit

// forgets returns an edit that adds a Forget method with the given body to the governor.
func forgets(what string) edit {
	const before = "func (g *Governor) KeyChanged("
	return edit{
		governor + "governor.go", before,
		"func (g *Governor) Forget() { " + what + " }\n\n" + before,
	}
}

// mutants returns faults of the core that the simulator must find. Each is a change to a copy of the sources.
func mutants() map[string][]edit {
	atAssigned := edit{"dispatcher.go", "d.Lost()\n\tif newMember", "d.Lost()\n\td.governor.Forget()\n\tif newMember"}
	return map[string][]edit{
		"commit-beyond-gap": {{
			"partition.go", "if first == nil {\n\t\tm.next", "if first == nil || p.commits.frontier > first.offset {\n\t\tm.next",
		}},
		"commit-offset-not-next": {{
			"partition.go", "m.next = max(p.window.position, p.commits.frontier)",
			"m.next = max(p.window.position, p.commits.frontier) - 1",
		}},
		"no-order-lane": {{
			"lane.go", "key := laneKey{e.of.Number, it.OrderID}", "key := laneKey{e.of.Number, it.OrderID + string(rune(e.offset))}",
		}},
		"give-up-after-n": {{
			"calls.go", "return d.backoff(c.item()).Exhausted(",
			"return c.item().attempts >= 5 || d.backoff(c.item()).Exhausted(",
		}},
		"refused-skips": {{
			"calls.go", "case v.Kind == retry.DeadLetter:\n\t\td.refuse(now, t, v)",
			"case v.Kind == retry.DeadLetter:\n\t\tit.state = done\n\t\td.settle(t.pending)\n\t\td.itemDone(now, t.pending)",
		}},
		"auth-to-letters": {{
			"calls.go", "case v.Kind == retry.DeadLetter:\n\t\td.refuse", "case v.Kind == retry.DeadLetter || v.Kind == retry.Unauthorised:\n\t\td.refuse",
		}},
		"finish-before-ack": {
			{
				"stores.go", "for _, t := range d.urgent {\n\t\td.store(t)\n",
				"for _, t := range d.urgent {\n\t\td.store(t)\n\t\tif !t.dropped {\n\t\t\tt.item().state = done\n\t\t\td.called--\n\t\t\td.itemDone(d.dirtySince, t.pending)\n\t\t}\n",
			},
			{
				"stores.go", "delete(d.stores, id)\n\tif t.dropped {",
				"delete(d.stores, id)\n\tif t.dropped || t.item().state == done {",
			},
		},
		"letter-error-ignored": {{"stores.go", "if !ok {", "if false {"}},
		"letter-lost":          {{"stores.go", "d.wait(now.Add(d.backoff(it).Next()), t)", "d.backoff(it).Next()"}},
		"commit-old-generation": {{
			"commit.go", "case turn.Refused:\n\t\td.fenced = true", "case turn.Refused:\n\t\td.unsent(now, c)",
		}},
		"next-before-ack": {{
			"dispatcher.go", "d.advance(e)\n\td.touch", "d.advance(e)\n\td.release(e)\n\td.touch",
		}},
		"no-window": {{"fetches.go", " || p.window.unfinished >= d.config.WindowEvents {", " {"}},
		"lost-wakeup": {{
			"timers.go", "if d.timers.len() > 0 {\n\t\tsooner", "if d.timers.len() > 1 {\n\t\tsooner",
		}},
		"lost-wakeup-of-commits": {{"timers.go", "sooner(d.commitAt())", "sooner(d.commitAt().Add(time.Millisecond))"}},
		"lost-retry": {{
			"calls.go", "d.wait(now.Add(d.backoff(it).Next()), t)",
			"if it.attempts < 3 {\n\t\t\td.wait(now.Add(d.backoff(it).Next()), t)\n\t\t}",
		}},
		"ack-after-ambiguous": {{"commit.go", "d.ambiguous, d.draining = true, true\n", ""}},
		"metadata-full-stops-retry": {{
			"calls.go", "p.space.none && t.offset >= p.space.reach && t.pending != p.window.first", "p.space.none",
		}},
		"metadata-ignored":      {{"partition.go", "ok && m.base == pos.Next {", "ok && m.base == -1 {"}},
		"metadata-of-old-topic": {{"window.go", "stampOf(in.Time) != w.identity", "w.identity < unknownStamp"}},
		"claim-taken-back":      {{"partition.go", "if coverage < p.commits.safe {", "if coverage < -1 {"}},
		"too-large-taken-for-stored": {{
			"commit.go", "case slices.Contains(a.TooLarge, o.Partition):", "case slices.Contains(a.TooLarge, o.Partition) && now.IsZero():",
		}},
		"coverage-ignored": {{"commit_state.go", "if e.offset >= c.coverage {", "if e.offset < 0 {"}},
		"auth-no-pause": {{
			governor + "pause.go", "case t.epoch == p.epoch:\n\t\t\tp.begin(now, Unauthorised)",
			"case t.epoch == p.epoch:",
		}},
		"pause-lifted-by-rebalance": {forgets("g.pause.kind = Again"), atAssigned},
		"pause-lifted-by-timer": {
			forgets("g.pause.kind = Again"), {
				"timers.go", "default:\n\t\t\td.push(t)", "default:\n\t\t\td.governor.Forget()\n\t\t\td.push(t)",
			},
		},
		"late-403-ignored": {{
			"calls.go", "\td.governor.Answered(now, c.key.order, c.pass, v)",
			"\theard := v\n\tif c.dropped && v.Kind == retry.Unauthorised {\n\t\theard = retry.Verdict{Cause: \"NotSent\"}\n\t}\n\td.governor.Answered(now, c.key.order, c.pass, heard)",
		}},
		"forget-orphans": {forgets("g.inFlight--"), {
			"dispatcher.go", "c.dropped = true\n\t\t\td.orphans[c.key]++\n\t\t\td.calls[id] = c", "d.governor.Forget()\n\t\t\tdelete(d.calls, id)",
		}},
		"orphan-opens-lane":     {{"lane.go", "return l.unacked != nil || l.orphans > 0", "return l.unacked != nil"}},
		"limit-ignores-orphans": {forgets("g.inFlight = 0"), atAssigned},
		"limit-per-generation":  {forgets("g.limit.value = float64(g.limit.configured)"), atAssigned},
		"gate-never-closes": {{
			governor + "gate.go", "g.closed, g.since,", "g.closed, g.since = false, now\n\t_, g.since,",
		}},
		"gate-no-slow-start":  {{governor + "governor.go", "\t\tg.limit.restart()\n", ""}},
		"gate-hammers":        {{governor + "gate.go", "g.ceiling = min(2*g.ceiling, gateWaitMax)", ""}},
		"two-probes":          {{governor + "gate.go", "g.probing = true", "g.probing = false"}},
		"retry-after-ignored": {{governor + "governor.go", "\tg.pacer.asked(now, v.RetryAfter)\n", ""}},
		"retry-after-one-lane": {
			{
				governor + "governor.go", "return ok && !at.After(now)",
				"return ok && (!at.After(now) || !g.probing() && !g.pacer.next.After(now))",
			},
			{
				"calls.go", "d.wait(now.Add(d.backoff(it).Next()), t)",
				"d.wait(now.Add(max(d.backoff(it).Next(), v.RetryAfter)), t)",
			},
		},
		"lost-wakeup-of-governor": {{"timers.go", "\tsooner(d.governor.Next(now))\n", ""}},
		"flood-one-order-trips":   {{guard + "flood.go", "floodOrders  = 20", "floodOrders  = 1"}},
		"flood-never-trips": {{
			guard + "flood.go", "return f.letters >= floodLetters &&", "return f.letters > floodWindow &&",
		}},
		"flood-forgotten-on-restart": {{
			guard + "pauses.go", "\tg.pauses = append(g.pauses, e)\n", "\tif len(e.Fingerprints) == 0 {\n\t\tg.pauses = append(g.pauses, e)\n\t}\n",
		}},
		"flood-not-announced": {{"group_pause.go", "d.out.Announce = &e", "d.out.Announce = nil; _ = e"}},
		"flood-accepts-all": {{
			guard + "pauses.go", "known := g.accepted[g.Build][fingerprint]", "known := g.accepted != nil",
		}},
		"pause-by-hand-ignored": {{
			guard + "pauses.go", "\tg.pauses = append(g.pauses, e)\n",
			"\tif len(e.Fingerprints) > 0 {\n\t\tg.pauses = append(g.pauses, e)\n\t}\n",
		}},
		"pause-lets-calls-out":   {{governor + "governor.go", "\tcase g.paused:\n\t\treturn time.Time{}, false\n", ""}},
		"pause-lets-letters-out": {{"group_pause.go", "return !paused", "return !paused || true"}},
		"pause-lost-with-ledger": {{
			guard + "pauses.go", "g.own = slices.Concat(g.pauses, g.own)", "g.own = slices.Concat(g.own)",
		}},
		"resume-ends-nothing": {{guard + "pauses.go", "\tg.pauses = nil\n", ""}},
		// The shell reports how far it has read, and the core must assume no more than that.
		"gap-on-dead-context": {{
			"fetches.go", "if next > p.window.position {",
			"if len(events) == 0 {\n\t\tnext++\n\t}\n\tif next > p.window.position {",
		}},
		"settled-not-counted": {{"calls.go", "if !e.of.commits.suspended {\n\t\t\td.settled++\n\t\t}", ""}},
		"fenced-leaves-calls-behind": {{
			"commit.go", "case d.fenced && len(d.calls) > 0:", "case d.fenced && len(d.calls) < 0:",
		}},
		"lease-ignored": {{
			"commit.go", "return d.lease.Add(d.config.Session - d.config.CallTimeout - d.config.Session/10)", "return d.lease.Add(time.Hour)",
		}},
		"repeat-item-called": {{
			"unfinished_event.go", "it.Action == event.Call && last != nil && last[it.OrderID] != i",
			"it.Action == event.Call && last != nil && last[it.OrderID] < 0",
		}},
		"partly-unlimited":           {{"calls.go", "d.started >= d.config.CallsInFlight", "d.started >= 1<<30"}},
		"drain-without-final-commit": {{"commit.go", "case len(d.dirty) == 0:", "case len(d.dirty) >= 0:"}},
		"drain-forgets-mapping-letters": {{
			"calls.go", "d.called++ // the mapping's letter", "// the mapping's letter",
		}},
		"call-before-position": {{
			"partition.go", "return !p.commits.suspended && p.commits.acked.next >= 0", "return !p.commits.suspended",
		}},
	}
}

// repeatMutants returns faults in the rules about repeats.
func repeatMutants() map[string][]edit {
	return map[string][]edit{
		"skip-after-refusal": {
			{"repeated_events.go", "\td.memory.forget(says.order)\n", ""},
		},
		"skip-across-generations": {{"dispatcher.go", "d.writes.forget()\n\td.forgetOrders()\n", "d.writes.forget()\n"}},
		"skip-before-its-turn": {{
			"lane.go", "if e.waits == 0 {\n\t\td.makeReady(e)\n\t}\n}\n\n// advance",
			"if _, repeat := d.isRepeat(task{e, 0}); e.waits == 0 || len(e.items) == 1 && repeat {\n\t\td.makeReady(e)\n\t}\n}\n\n// advance",
		}},
		"skip-by-hash-of-8-bits": {{
			"accepted_memory.go", "return digest(sum[:len(digest{})])", "return digest{sum[0]}",
		}},
		"skip-key-ignored": {
			{"repeated_events.go", "t.replay == nil && len(t.key) == 0 {", "d.fenced && !d.live {"},
			{"repeated_events.go", "if !d.memory.put(of.says, !d.late.has(now, of.says.order)) {", "if !d.memory.put(of.says, !d.late.has(now, of.says.order)) && d.fenced && !d.live {"},
			{"accepted_memory.go", "\ttext = append(binary.BigEndian.AppendUint64(text, uint64(len(t.key))), t.key...)\n", ""},
			{"accepted_memory.go", "e.statement != s", "e.says != s.says"},
		},
		"skip-status-ignored": {{"accepted_memory.go", "\ttext = append(text, t.item().Status...)\n", ""}},
		"skip-opens-lane": {{
			"dispatcher.go", "d.advance(e)\n\td.touch", "d.advance(e)\n\tif e.items[0].repeat {\n\t\td.release(e)\n\t}\n\td.touch",
		}},
		"skip-marks-nothing":       {{"repeated_events.go", "\td.accept(now, t)\n", "\tit.state = done\n\td.itemDone(now, t.pending)\n"}},
		"skip-beside-another-call": {{"repeated_events.go", "of.unsure = of.unsure || of.inFlight > 1", "of.unsure = false"}},
		"skip-in-a-pause": {
			{"group_pause.go", "\tif paused {\n\t\td.forgetOrders()\n\t}\n", ""},
			{"repeated_events.go", "case d.Pause().Kind != \"\":\n\t\td.forgetOrders()\n", "case d.fenced:\n"},
		},
		"skip-where-partitioners-differ": {{"repeated_events.go", "if !d.explains(t) {", "if d.fenced && !d.live {"}},
		"skip-where-orders-are-spread":   {{"repeated_events.go", " && !t.of.spread", ""}},
		"skip-widens-the-bound":          {{"commit_state.go", "if e.called {", "if e.started {"}},
		"skip-with-another-key":          {{"dispatcher.go", "\td.forgetOrders() // it may be", "\t// it may be"}},
	}
}

// replayMutants returns faults in the rules about replays.
func replayMutants() map[string][]edit {
	return map[string][]edit{
		"replay-without-marks": {{
			"ledger_writes.go", "d.letters.Older(t.id(), t.item().OrderID, t.keyHash()) {", "d.letters.Older(t.id(), t.item().OrderID, t.keyHash())[:0] {",
		}},
		"replay-not-judged-again": {{"calls.go", "case !d.stillWanted(now, t.replay):", "case !d.live:"}},
		"replay-before-log-end":   {{"replay_queue.go", " || p.window.position < p.end {", " {"}},
		"replay-in-front": {
			{"lane.go", "import \"leadhit-sync/consumer/event\"", "import (\n\t\"slices\"\n\n\t\"leadhit-sync/consumer/event\"\n)"},
			{
				"lane.go", "\t\tl.events = append(l.events, e)\n",
				"\t\tat := len(l.events)\n\t\tif e.replay != nil {\n\t\t\tat = min(1, at)\n\t\t\tif l.blocked() {\n\t\t\t\tat = 0\n\t\t\t}\n\t\t}\n\t\tl.events = slices.Insert(l.events, at, e)\n",
			},
		},
		"replay-outcome-not-awaited": {{"replays.go", "d.write(func(time.Time) { d.leave(e) }, ", "d.leave(e)\n\td.write(nil, "}},
		"replay-of-another-owner": {{
			"replay_queue.go", "if p == nil {\n\t\treturn nil\n\t}\n\tr := ", "if p == nil && len(d.order) > 0 {\n\t\tp = d.order[0]\n\t}\n\tif p == nil {\n\t\treturn nil\n\t}\n\tr := ",
		}},
		"replay-count-ignored":        {{"replays.go", "is.State != fold.Requeued || is.N != r.n:", "is.State != fold.Requeued:"}},
		"replay-letter-without-count": {{"stores.go", "Replay: t.nthReplay(),\n\t}", "Replay: min(t.nthReplay(), 0),\n\t}"}},
		"replay-of-dismissed": {
			{states + "entries.go", "if s.final() || s.dismissed {\n\t\th :=", "if s.final() {\n\t\th :="},
			{states + "fold.go", "case s.dismissed:", "case s.dismissed && s.ended:"},
		},
		"replay-closed-not-marked": {{states + "fold.go", "f.id(s); !s.overtaken &&", "f.id(s); !s.overtaken && !s.final() && !s.dismissed &&"}},
		"replay-unstored-unknown":  {{"fetches.go", "\t\t\td.knows(task{e, i})\n", ""}},
		"replay-outcome-lost":      {{"ledger_writes.go", "w.waiting = append(ended, w.waiting...)", "w.waiting = append(ended[:0], w.waiting...)"}},
		"replay-place-lost": {{
			"replays.go", "d.taken = slices.DeleteFunc(d.taken, func(o *replay) bool { return o == r })",
			"d.taken = slices.DeleteFunc(d.taken, func(o *replay) bool { return o == r && r.n == 1 })",
		}},
		"replays-without-limit": {{"replay_queue.go", "for len(p.requeued) > 0 && len(d.taken) < d.config.CallsInFlight {", "for len(p.requeued) > 0 {"}},
		"replay-key-alone":      {{states + "fold.go", "own != 0 && own != key {", "own != 0 && own == key && key == 0 {"}},
	}
}

// rareFault is a fault that the simulator exposes too rarely, and the test that must find it.
type rareFault struct {
	test string
	edit edit
}

func rare() map[string]rareFault {
	return map[string]rareFault{
		"fetch-of-old-generation": {
			"TestAFetchOfAnEndedGenerationIsIgnored",
			edit{"fetches.go", "p.window.fetchID = d.lastID //", "p.window.fetchID++ //"},
		},
		"lanes-hurry-for-no-slot": {
			"TestALaneThatWaitsHurriesACommitOnlyForAFreeSlot",
			edit{"commit.go", "return d.idle && (", "return ("},
		},
		"long-lane-waits-like-others": {
			"TestALongLaneHardlyWaitsForCommits",
			edit{"commit.go", "if d.longWaits {", "if d.longWaits && !d.live {"},
		},
		"repeats-hurry-commits": {
			"TestABacklogIsCommittedInLargePartsWithoutAPause",
			edit{"calls.go", "e.sending == 0 && e.called && e", "e.sending == 0 && e"},
		},
		"commit-at-the-edge": {
			"TestABacklogIsCommittedInLargePartsWithoutAPause",
			edit{"commit.go", "2*calls-3*d.meanwhile/4", "2*calls"},
		},
		"silent-partition-unasked": {
			"TestAPartitionThatIsNotFetchedIsNamedSixTimesPerSession",
			edit{
				"commit.go", "silent := !p.window.fetching &&", "silent := p.window.fetching && !p.window.fetching &&",
			},
		},
		"suspect-told-too-early": {
			"TestSuspectsAreReturnedWhenNoCommitIsInFlight",
			edit{"dispatcher.go", "if d.commit == nil {\n\t\t// A commit", "if d.live {\n\t\t// A commit"},
		},
		"commit-in-flight-forgotten": {
			"TestAGenerationLostWithACommitInFlightNeedsANewMember",
			edit{"dispatcher.go", "d.ambiguous = d.ambiguous || d.commit != nil\n", ""},
		},
		"ambiguity-forgotten": {
			"TestAnUnansweredCommitEndsAllCallsUntilTheWorkerIsANewMember",
			edit{"dispatcher.go", "d.live, d.draining = true, d.ambiguous", "d.live, d.draining = true, false"},
		},
		"drain-forgets-orphans": {
			"TestADrainWaitsForCallsOfAnEarlierGeneration",
			edit{
				"commit.go", "return d.draining && len(d.calls) == 0 &&",
				"return d.draining && len(d.calls) == len(d.orphans) &&",
			},
		},
		"partly-stuck": {
			"TestADeferredEventBeginsWhenAnotherAboutSeveralOrdersHasEnded",
			edit{
				"dispatcher.go", "d.started--\n\t\td.recheck = true\n\t}\n\tif e.started {",
				"d.started--\n\t}\n\tif e.started {",
			},
		},
		"waiting-time-counts": {
			"TestTimeInWhichAnOrderCouldNotBeTriedDoesNotCountAgainstIt",
			edit{governor + "backoff.go", "min(own, b.wait+took)", "own"},
		},
		"paused-time-counts": {
			"TestTimeInWhichCallsArePausedCountsAgainstNoOrder",
			edit{governor + "backoff.go", " - (seen.paused - b.seen.paused)", ""},
		},
		"limit-never-shrinks": {
			"TestTheLimitOutlivesAGeneration",
			edit{governor + "limit.go", "shrinkBy = 0.9", "shrinkBy = 1"},
		},
		"setting-ignored": {
			"TestNoMoreCallsASecondThanTheSetting",
			edit{"dispatcher.go", "c.CallsPerSecond, c.Retry.Random", "0, c.Retry.Random"},
		},
		"one-order-slows-all": {
			"TestOneStuckOrderBesideAThousandGoodOnesSlowsNobodyDown",
			edit{governor + "governor.go", `alone := g.suspect == "" || g.suspect == order`, "alone := false"},
		},
		"probe-always-the-same": {
			"TestAnOutageCostsFewCallsAndNoLetter",
			edit{"calls.go", "it.state = parked\n\t\td.parked = append(d.parked, t)", "d.push(t)"},
		},
		"flood-untold": {
			"TestABadDeployStopsAndGoesOnAfterAResume",
			edit{"calls.go", "\td.letter(now, t)\n", ""},
		},
		"flood-holds-no-letters": {
			"TestABadDeployStopsAndGoesOnAfterAResume",
			edit{"stores.go", "case !d.mayStore():", "case !d.live:"},
		},
		"skip-hides-a-flood": {
			"TestRepeatsHideNoFlood",
			edit{"repeated_events.go", "\td.settle(t.pending)\n", "\td.guard.Accepted()\n\td.settle(t.pending)\n"},
		},
		"skip-after-a-lost-response": {
			"TestAnOrderWhoseCallHadNoResponseIsCalledForAWhile",
			edit{"repeated_events.go", "!d.late.has(now, of.says.order)", "true"},
		},
		"skip-although-orders-are-spread": {
			"TestNothingIsARepeatOnceKeysDoNotKeepOrdersInOnePartition",
			edit{"repeated_events.go", "\td.spread = true\n", ""},
		},
		"skip-ends-with-a-replay": {
			"TestAReplayDoesNotEndTheSkipping",
			edit{"repeated_events.go", "t.replay == nil && len(t.key)", "len(t.key)"},
		},
		"flood-counts-no-successes": {
			"TestTheFloodGuardCountsAcceptedCallsButNotFailures",
			edit{"calls.go", "\t\td.guard.Accepted()\n", ""},
		},
		"flood-counts-failures": {
			"TestTheFloodGuardCountsAcceptedCallsButNotFailures",
			edit{"calls.go", "if v.Kind == retry.Done && c.replay == nil {\n\t\td.guard", "if v.Kind != retry.DeadLetter && c.replay == nil {\n\t\td.guard"},
		},
		"guard-holds-after-resume": {
			"TestAPauseByHandCountsOnceItIsInTheLedger",
			edit{
				"group_pause.go", "\td.guard.Follow(e)\n\td.obeyGuard(now)",
				"\tif e.Event == ledger.GuardPause {\n\t\tdefer d.obeyGuard(now)\n\t}\n\td.guard.Follow(e)",
			},
		},
		"flood-loses-letters": {
			"TestABadDeployStopsAndGoesOnAfterAResume",
			edit{"stores.go", "d.withheld = append(d.withheld, t)", ""},
		},
		"flood-stops-drain": {
			"TestADrainEndsWhileTheFloodGuardWithholdsLetters",
			edit{"stores.go", "case t.started: //", "case t.started && d.mayStore(): //"},
		},
		"replay-marks-not-awaited": {
			"TestAnAcceptedEventIsFinishedWhenOlderLettersAreMarked",
			edit{
				"calls.go", "if len(entries) == 0 {\n\t\tt.item().state = done",
				"if d.write(nil, entries...); d.live {\n\t\tt.item().state = done",
			},
		},
		"replay-doubt-ignored": {
			"TestADismissedReplayThatWasCalledOvertakesOlderLetters",
			edit{"replays.go", "range older {", "range older[:0] {"},
		},
		"skip-uses-no-order": {
			"TestTheLeastRecentlyUsedOrderIsForgotten",
			edit{"accepted_memory.go", "\tm.unlink(at)\n\tm.link(at)\n\treturn true", "\treturn true"},
		},
		"replay-of-late-order": {
			"TestALetterWithoutOrderAndKeyNeedsForceAfterARefusedReplayToo",
			edit{"replay_queue.go", " || t.Letter.Key == 0)", ")"},
		},
		"replays-in-log-order": {
			"TestALetterIsReplayedAfterThoseThatWereAskedForBeforeItsLastReplay",
			edit{"replay_queue.go", "cmp.Compare(a.Turn, b.Turn)", "cmp.Compare(a.ID.Offset, b.ID.Offset)"},
		},
		"replay-former-forgotten": {
			"TestAFormerReplayWithoutAnOutcomeOvertakesOlderLetters",
			edit{"replay_queue.go", "if is.State != fold.Requeued || is.Former {", "if is.State != fold.Requeued {"},
		},
		"replay-without-an-order-dismissed": {
			"TestADismissedReplayWithoutAnOrderIsFetchedForIt",
			edit{"replay_queue.go", "if is.Order != \"\" {", "if is.State != fold.Requeued {"},
		},
		"replay-former-without-an-order": {
			"TestAFormerReplayWithoutAnOrderIsFetchedForItFirst",
			edit{"replay_queue.go", "if is.Order != \"\" {", "if is.State == fold.Requeued || is.Order != \"\" {"},
		},
		"replay-former-without-force": {
			"TestAFormerReplayWithoutAnOrderIsFetchedForItFirst",
			edit{"replay_queue.go", "\tr.force = true // the former", "\t// the former"},
		},
		"replay-by-its-first-turn": {
			"TestALetterIsReplayedAfterThoseThatWereAskedForBeforeItsLastReplay",
			edit{states + "fold.go", "return s.turns[last], last > 0", "return s.turns[0], last > 0"},
		},
		// A member that has lost its partition may have a letter in flight. The broker may store this letter after the new
		// owner has read the topic and accepted a newer event. The simulator has such late writes, but the fault shows only
		// if the letter is replayed at the right moment.
		"replay-of-late-letter": {
			"TestALateLetterOfTheLastOwnerIsMarked",
			edit{"replays.go", "if d.letters.Add(l) && p != nil &&", "if d.letters.Add(l) && p != nil && p == nil &&"},
		},
		"replay-before-ledger": {
			"TestReplaysWaitForTheLedger",
			edit{"group_pause.go", "e.Event == ledger.LetterReplay && d.caughtUp {", "e.Event == ledger.LetterReplay && d.live {"},
		},
		"replay-calls-before-letters": {
			"TestCallsWaitUntilTheLettersAreRead",
			edit{"replays.go", "return d.caughtUp || !d.config.Replays", "return d.live"},
		},
		"replay-letter-unresolved": {
			"TestAnEventThatComesAgainResolvesItsLetter",
			edit{"ledger_writes.go", "if t.replay != nil || !ok ||", "if t.replay == nil || !ok ||"},
		},
		"replay-outcomes-lost-in-drain": {
			"TestADrainWaitsForTheLedger",
			edit{"commit.go", " && d.writes.idle()", ""},
		},
		"replay-floods": {
			"TestReplaysCountNothingForTheFloodGuard",
			edit{"group_pause.go", " || t.replay != nil {", " {"},
		},
		"replay-beyond-horizon": {
			"TestAForcedReplayBeyondTheHorizonRunsOnceAtMost",
			edit{"replays.go", "case r.force && (is.Known || !r.inherited):", "case r.force:"},
		},
		"replay-in-order-of-fetches": {
			"TestReplaysOfOnePartitionKeepTheLedgersOrder",
			edit{
				"replay_queue.go", "\tr.found = &t\n\tp := r.of\n",
				"\tp := r.of\n\tp.taking = slices.DeleteFunc(p.taking, func(o *replay) bool { return o == r })\n\td.line(now, r, t)\n",
			},
		},
		"guard-without-ledger": {
			"TestWithoutTheFloodGuardLettersPauseNothing",
			edit{"group_pause.go", "if !d.config.FloodGuard || t.replay != nil {", "if t.replay != nil {"},
		},
	}
}

// equal is a change without an effect: it must survive.
const equal = "equal"

// TestMutants runs the simulator on one fault of the core after another. It fails if the simulator misses a fault, or
// if a change no longer fits the sources.
func TestMutants(t *testing.T) {
	edits := map[string][]edit{equal: {{"partition.go", "if coverage < p.commits.safe {", "if p.commits.safe > coverage {"}}}
	for _, some := range []map[string][]edit{mutants(), replayMutants(), repeatMutants()} {
		maps.Copy(edits, some)
	}
	tests := make(map[string]string) // the tests that must find the faults that the simulator need not find
	for name, m := range rare() {
		edits[name], tests[name] = []edit{m.edit}, m.test
	}
	binary, err := mutation.Build(t, ".", edits, "sim_mutants_test.go")
	if err != nil {
		t.Fatal(err)
	}
	hunters := hunters{Binary: binary, tests: tests}
	binary.Each(t, hunters.hunt)
}

// hunters holds the test binary, and names the tests that must find some of the faults.
type hunters struct {
	*mutation.Binary
	// tests has an entry for each fault that the simulator need not find: the test that must find it.
	tests map[string]string
}

// shownBy returns, for some mutants, the history that most recently exposed each of them. The search tries that
// history first, because a search from history 0 takes up to half a minute.
func shownBy() map[string]uint64 {
	return map[string]uint64{
		"skip-with-another-key":    554,
		"call-before-position":     336,
		"metadata-of-old-topic":    264,
		"skip-beside-another-call": 250,
		"late-403-ignored":         133,
		"partly-unlimited":         127,
		"orphan-opens-lane":        90,
		"replay-before-log-end":    76,
	}
}

// hunt looks for one fault. The unchanged sources must pass the history or test that exposes the fault.
func (h *hunters) hunt(t *testing.T, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	if name == equal {
		if _, err := h.Hunt(ctx, equal, simulator, "SIM_SEEDS=20"); !errors.Is(err, mutation.ErrSurvived) {
			t.Errorf("got %v, want %v", err, mutation.ErrSurvived)
		}
		return
	}
	test, env := h.tests[name], []string(nil)
	if test != "" {
		if _, err := h.Hunt(ctx, name, test); err != nil {
			t.Fatal(err)
		}
	} else {
		seed := h.search(ctx, t, name)
		test, env = simulator, histories(seed, 1)
	}
	if err := h.Unchanged(ctx, []string{test}, env...); err != nil {
		t.Error(err)
	}
}

// search returns the history in which the simulator finds a fault.
func (h *hunters) search(ctx context.Context, t *testing.T, name string) (seed uint64) {
	t.Helper()
	last, ok := shownBy()[name]
	out, err := "", mutation.ErrSurvived
	if ok {
		if out, err = h.Hunt(ctx, name, simulator, histories(last, 1)...); errors.Is(err, mutation.ErrSurvived) {
			t.Logf("history %d no longer shows the fault: correct shownBy", last)
		}
	}
	if errors.Is(err, mutation.ErrSurvived) {
		out, err = h.Hunt(ctx, name, simulator, histories(0, mutantSeeds)...)
	}
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`seed (\d+): .{1,150}`).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("failed without a seed: %s", out)
	}
	t.Logf("killed by %s", found[0])
	if seed, err = strconv.ParseUint(found[1], 10, 64); err != nil {
		t.Fatal(err)
	}
	return seed
}

// histories returns the environment in which the simulator runs n histories, starting with the given seed.
func histories(from, n uint64) []string {
	return []string{fmt.Sprintf("SIM_FROM=%d", from), fmt.Sprintf("SIM_SEEDS=%d", n)}
}
