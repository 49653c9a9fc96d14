package retry_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"leadhit-sync/integration/mutation"
)

// mutant is a fault: code that occurs once in a file, its replacement, and the test that must notice the change.
type mutant struct{ file, old, new, test string }

func mutants() map[string]mutant {
	const outage, backlog = "TestAnOutageCostsFewCallsAndNoRepeats", "TestABacklogUsesABudgetOfCallsASecond"
	return map[string]mutant{
		"gate-never-closes": {
			"gate.go", "g.closed, g.since,", "g.closed, g.since = false, now\n\t_, g.since,", outage,
		},
		"probe-never-due": {
			"governor.go", "if at = g.nextProbe(); at.IsZero() {", "if at = g.nextProbe(); !at.IsZero() {",
			"TestWhateverHappensACallFallsDue",
		},
		"slot-lost": {
			"governor.go", "\tg.inFlight--\n", "\tif v.Kind != Unauthorised {\n\t\tg.inFlight--\n\t}\n",
			"TestWhateverHappensACallFallsDue",
		},
		"gate-never-opens":        {"gate.go", "g.closed = false", "g.closed = true", outage},
		"gate-no-slow-start":      {"governor.go", "\t\tg.limit.restart()\n", "", outage},
		"slow-start-doubles":      {"limit.go", "l.value+1/l.value", "l.value+1", outage},
		"gate-slow-to-notice-end": {"gate.go", "gateWaitMax = 30 ", "gateWaitMax = 120 ", outage},
		"gate-outlasts-outage": {
			"gate.go", "min(g.ceiling, max(gateWaitMin, now.Sub(g.since)))", "g.ceiling",
			"TestTheEndOfAnOutageIsNoticedWithinItsLength",
		},
		"gate-hammers": {"gate.go", "g.ceiling = min(2*g.ceiling, gateWaitMax)", "", outage},
		"probe-time-on-top": {
			"gate.go", "\t\tg.probing = false\n", "\t\tg.probing = false\n\t\tg.wait(now)\n",
			"TestProbesThatTimeOutBeginAtMost30sApart",
		},
		"probes-bunch": {
			"gate.go", "now.Add(half + jitter(g.random, half))", "now.Add(jitter(g.random, 2*half))",
			"TestAnOutageInWhichCallsTimeOutCostsOneRoundOfThem",
		},
		"failed-slots-refilled": {
			"gate.go", "len(g.orders) < narrowOrders", "g.closed || limit > 0",
			"TestAnOutageInWhichCallsTimeOutCostsOneRoundOfThem",
		},
		"one-order-empties-slots": {
			"gate.go", "narrowOrders = 2", "narrowOrders = 1", "TestSlotsOfCallsThatFailedInARowStayEmpty",
		},
		"stuck-orders-take-all": {
			"gate.go", "max(min(gateOrders, limit), limit-g.row)", "max(1, limit-g.row)",
			"TestSlotsOfCallsThatFailedInARowStayEmpty",
		},
		"gate-closes-for-one-order": {"gate.go", "g.row < gateFailures || len(g.orders) < gateOrders", "g.row < gateFailures", "TestTheGateClosesOnAnOutageOnly"},
		"gate-counts-unsent":        {"verdict.go", "v.Cause == causeNotSent, ", "", "TestTheGateClosesOnAnOutageOnly"},
		"gate-opened-by-403": {
			"verdict.go", "case v.Kind == Done, v.Answered:", "case v.Kind != Again, v.Answered:",
			"TestOnlyAnAnsweredProbeOpensTheGate",
		},
		"late-answers-move-gate": {
			"gate.go", "if p.epoch != g.epoch {", "if p.epoch > g.epoch {",
			"TestLateResponsesNeitherCloseNorOpenTheGate",
		},
		"two-probes": {"gate.go", "g.probing = true", "g.probing = false", "TestOneProbeAtATime"},
		"two-probes-with-pause": {
			"governor.go", "case g.gate.probing:", "case g.begun == 0:", "TestPauseAndGateTogetherLetOneProbeThrough",
		},
		"new-key-waits-for-gate": {"governor.go", "case !g.pause.active():\n\t\treturn g.gate", "case g.gate.closed:\n\t\treturn g.gate", "TestPauseAndGateTogetherLetOneProbeThrough"},
		"probe-counts-as-call": {
			"governor.go", "if !p.Probe && p.epoch == g.gate.epoch {", "if p.epoch == g.gate.epoch {",
			"TestAProbeIsNoEvidenceAboutLimitOrRate",
		},
		"paused-time-counts": {
			"governor.go", "paused := g.probing() || g.paused", "paused := g.paused",
			"TestTimeUnderAClosedGateCountsAgainstNoOrder",
		},
		"held-time-counts-twice": {
			"governor.go", "case paused && g.stopped.IsZero():", "case paused:", "TestOverlappingPausesCountOnce",
		},
		"limit-never-shrinks": {
			"limit.go", "shrinkBy = 0.9", "shrinkBy = 1", "TestTheLimitShrinksOnceARoundTrip",
		},
		"limit-shrinks-each-time": {"limit.go", "\tl.mark = last\n", "", "TestTheLimitShrinksOnceARoundTrip"},
		"limit-below-one": {
			"limit.go", "return max(1, int(l.value))", "return int(l.value - 0.5)", "TestTheLimitNeverFallsBelowOne",
		},
		"limit-grows-unused": {
			"limit.go", "if 2*float64(inFlight) >= l.value {", "if inFlight > 0 {", "TestAnUnusedLimitDoesNotGrow",
		},
		"limit-ignored": {
			"governor.go", "case g.inFlight >= g.gate.narrow(g.limit.whole()):", "case g.begun > 1<<40:",
			"TestNoMoreCallsThanTheLimit",
		},
		"one-order-slows-all": {
			"governor.go", `alone := g.suspect == "" || g.suspect == order`, "alone := false",
			"TestOneOrderThatAlwaysFailsSlowsNobodyDown",
		},
		"slowdown-never-found": {
			"slowdown.go", "s.tolerated, s.until = ", "s.tolerated, _ = ", "TestRefusalsAtAnyPaceDoNotStopTheRest",
		},
		"slowdown-looks-too-early": {
			"slowdown.go", "now.Sub(s.began) >= shrinkFor", "s.phase == shrinking",
			"TestOverloadIsNotTakenForAShareOfRefusalsThatStays",
		},
		"slowdown-leaves-the-pace": {
			"governor.go", "\t\tg.pacer.learned = 0\n", "", "TestRefusalsAtAnyPaceDoNotStopTheRest",
		},
		"grows-while-looking": {
			"governor.go", "if g.slowdown.measuring() {\n\t\tg.pacer.freeze", "if g.begun == 0 {\n\t\tg.pacer.freeze",
			"TestOverloadIsNotTakenForAShareOfRefusalsThatStays",
		},
		"no-pacer": {"governor.go", "\tg.pacer.refused(now, number, g.begun)\n", "", backlog},
		"pacer-without-search": {
			"pacer.go", "p.searching, p.sought = p.learned == 0 || rate < p.learned/2, now",
			"p.searching, p.sought = false, now", "TestARefusalSetsThePaceBelowWhatWasAccepted",
		},
		"pacer-never-grows": {
			"pacer.go", "growthFactor = 1.1", "growthFactor = 1.0", "TestAKnownRateGrowsByATenthASecond",
		},
		"outage-taken-for-useless-slowdown": {
			"governor.go", "g.slowdown.outage()", "g.slowdown.stop()", "TestAnOutageIsNotTakenForRefusalsAtAnyPace",
		},
		"strays-count": {
			"governor.go", "return share < g.slowdown.tolerance(now)", "return share < 0",
			"TestAFewRefusalsSlowNothingDown",
		},
		"pacer-never-forgets": {
			"pacer.go", "if at := p.refusedAt.Add(searchAfter); !p.searching && !now.Before(at) {",
			"if at := p.refusedAt; p.learned < 0 {", "TestFullSpeedIsBackHalfAMinuteAfterABurstOfRefusals",
		},
		"pacer-wakeup-lost": {
			"governor.go", "if at, ok := g.opening(); ok && at.After(now) {",
			"if at, ok := g.opening(); ok && g.probing() {", backlog,
		},
		"setting-ignored": {
			"pacer.go", "\t\treturn p.setting\n", "\t\treturn 0\n", "TestAConfiguredPaceIsNeverExceeded",
		},
		"retry-after-ignored": {
			"governor.go", "\tg.pacer.asked(now, v.RetryAfter)\n", "", "TestRetryAfterAppliesToAllCalls",
		},
		"retry-after-not-for-probe": {"governor.go", "if g.pacer.quiet.After(at) {", "if !g.probing() && g.pacer.quiet.After(at) {", "TestRetryAfterAppliesToProbesToo"},
		"retry-after-longest-draw": {
			"pacer.go", "p.quiet = until.Add(jitter(p.random, wait/5))", "p.quiet = until.Add(wait / 5)",
			"TestManyAnswersDrawTheirJitterOnce",
		},
		"pause-ignored": {
			"governor.go", "\tcase g.paused:\n\t\treturn time.Time{}, false\n", "",
			"TestAPauseOfTheGroupStopsProbesToo",
		},
		"held-time-is-failing": {
			"backoff.go", " - (seen.paused - b.seen.paused)", "", "TestOnlyTimeInWhichOthersSucceededCounts",
		},
		"waiting-time-is-failing": {
			"backoff.go", "min(own, b.wait+took)", "own", "TestOnlyTimeInWhichOthersSucceededCounts",
		},
		"failure-speaks-of-others": {
			"backoff.go", "seen.failed - b.seen.failed - 1 //", "seen.failed - b.seen.failed //",
			"TestTheLastWaitCountsAsFailing",
		},
		"wait-is-no-failing": {
			"backoff.go", "\tb.wait = jitter(", "\tb.wait = 0\n\treturn jitter(", "TestTheLastWaitCountsAsFailing",
		},
		"looks-raise-the-pace": {
			"pacer.go", "\t\tp.growTo(at)\n", "", "TestThePaceGrowsTheSameHoweverOftenItIsLookedAt",
		},
	}
}

// guardMutants returns faults in the guard, which stores its pauses in the ledger.
func guardMutants() map[string]mutant {
	const guard, flood = "../deadletter/ledger/guard/pauses.go", "../deadletter/ledger/guard/flood.go"
	return map[string]mutant{
		"flood-one-order-trips": {flood, "floodOrders  = 20", "floodOrders  = 1", "TestAFloodOfManyOrdersPauses"},
		"flood-unknown-orders-one": {
			flood, "if i.order == \"\" {", "if i.order == \"-\" {", "TestAFloodOfManyOrdersPauses",
		},
		"flood-never-trips": {
			flood, "return f.letters >= floodLetters &&", "return f.letters > floodWindow &&",
			"TestAFloodOfManyOrdersPauses",
		},
		"flood-forgets-nothing": {flood, "\tf.count(f.ring[f.next], -1)\n", "", "TestAFloodOfManyOrdersPauses"},
		"flood-resume-accepts-all": {
			guard, "known := g.accepted[g.Build][fingerprint]", "known := g.accepted != nil",
			"TestAResumeAcceptsTheCauseAndNoOther",
		},
		"flood-resume-for-ever": {guard, "Build: g.Build, Fingerprints", "Fingerprints", "TestAPauseSaysWhoWhenWhyAndWhichCauses"},
		"flood-counts-in-a-pause": {
			guard, "return !g.paused() && g.flood.add(i)", "return g.flood.add(i)",
			"TestOutcomesDuringAPauseDoNotCount",
		},
		"flood-forgotten-on-restart": {
			guard, "\tg.pauses = append(g.pauses, e)\n", "\tif len(e.Fingerprints) == 0 {\n\t\tg.pauses = append(g.pauses, e)\n\t}\n",
			"TestARestartKeepsPausesAndAcceptedCauses",
		},
		"flood-resume-ends-later-pause": {
			guard, "\tg.pauses = nil\n", "\tg.pauses, g.told, g.own = nil, 0, nil\n", "TestTheSequenceInTheLedgerDecides",
		},
		"flood-window-kept": {
			guard, "\t\tg.flood = flood{} //", "\t\t//", "TestTheSequenceInTheLedgerDecides",
		},
		"pause-lost-with-ledger": {
			guard, "g.own = slices.Concat(g.pauses, g.own)", "g.own = slices.Concat(g.own)",
			"TestPausesInForceAreAnnouncedToANewLedger",
		},
		"pause-comes-back":          {guard, " && !g.seen[idOf(e)]:", ":", "TestTwoCopiesOfAPauseEndTogether"},
		"pause-of-lost-ledger-seen": {guard, "\tg.seen = nil\n", "", "TestAfterTheLossOfALedgerAllWorkersAgree"},
		"announcement-lost": {
			guard, "\tif i < g.told {\n\t\tg.told--\n\t}\n", "", "TestPausesInForceAreAnnouncedToANewLedger",
		},
	}
}

// TestMutants breaks this package and the ledger's guard in one way after another. If the named test does not fail, the
// tests have a hole. A mutant whose text is not in the sources is an error, too.
func TestMutants(t *testing.T) {
	t.Parallel()
	// The mutants do not need the real judge, and without net/http they link in half the time.
	hunt(t, ".", mutants(), "mutants_test.go", "judge_test.go")
	hunt(t, "../deadletter/ledger/guard", guardMutants())
}

// hunt runs the tests of a folder against each mutant.
func hunt(t *testing.T, dir string, mutants map[string]mutant, omitted ...string) {
	t.Helper()
	edits, tests := make(map[string][]mutation.Edit), make(map[string]string)
	for name, m := range mutants {
		edits[name], tests[name] = []mutation.Edit{{m.file, m.old, m.new}}, m.test
	}
	binary, err := mutation.Build(t, dir, edits, omitted...)
	if err != nil {
		t.Fatal(err)
	}
	if err := binary.Unchanged(t.Context(), slices.Compact(slices.Sorted(maps.Values(tests)))); err != nil {
		t.Error(err)
	}
	binary.Each(t, func(t *testing.T, mutant string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
		defer cancel()
		if _, err := binary.Hunt(ctx, mutant, tests[mutant]); err != nil {
			t.Error(err)
		}
	})
}
