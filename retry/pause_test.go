package retry_test

import (
	"strconv"
	"testing"
	"time"

	"leadhit-sync/retry"
)

const probeEvery = 30 * time.Second

// stage is a Governor with a clock that the test sets. Each call is for a new order.
type stage struct {
	t        *testing.T
	governor *retry.Governor
	now      time.Time
	order    int
}

func newStage(t *testing.T) *stage {
	t.Helper()
	return &stage{t: t, governor: retry.NewGovernor(64, 0, nil), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func (s *stage) pass(d time.Duration) { s.now = s.now.Add(d) }

// start starts a call for a new order.
func (s *stage) start() func(retry.Verdict) {
	s.t.Helper()
	if !s.governor.MayCall(s.now) {
		s.t.Fatal("no call may start")
	}
	s.order++
	order, pass := strconv.Itoa(s.order), s.governor.Start(s.now)
	return func(v retry.Verdict) { s.governor.Answered(s.now, order, pass, v) }
}

// wantPaused fails the test unless calls are paused for this kind of verdict; Again means no pause.
func (s *stage) wantPaused(why string, kind retry.Kind) {
	s.t.Helper()
	want := kind.String()
	if kind == retry.Again {
		want = ""
	}
	if got, _ := s.governor.Probing(); got != want {
		s.t.Fatalf("%s: got %q, want %q", why, got, want)
	}
}

func (s *stage) wantMayCall(why string, want bool) {
	s.t.Helper()
	if got := s.governor.MayCall(s.now); got != want {
		s.t.Fatalf("%s: may call: got %v, want %v", why, got, want)
	}
}

func verdicts() (done, again, refused, unauthorised, misconfigured retry.Verdict) {
	return retry.Verdict{Kind: retry.Done, Answered: true}, retry.Verdict{Cause: "Timeout"},
		retry.Verdict{Kind: retry.DeadLetter, Cause: "ValidationError", Answered: true},
		retry.Verdict{Kind: retry.Unauthorised}, retry.Verdict{Kind: retry.Misconfigured}
}

func TestOne403PausesAllCallsButAProbeEvery30Seconds(t *testing.T) {
	t.Parallel()
	done, again, _, unauthorised, _ := verdicts()
	s := newStage(t)
	first, late := s.start(), s.start()
	first(unauthorised)
	s.wantPaused("after a 403", retry.Unauthorised)
	s.wantMayCall("at once", false)
	late(done)
	s.wantPaused("a call that began before the pause proves nothing", retry.Unauthorised)
	s.pass(probeEvery - 1)
	s.wantMayCall("just before 30 s", false)
	s.pass(1)
	probe := s.start()
	s.wantMayCall("one probe at a time", false)
	s.pass(3 * time.Second)
	probe(again)
	s.wantPaused("a probe without a response proves nothing", retry.Unauthorised)
	s.wantMayCall("30 s from probe to probe", false)
	s.pass(27 * time.Second)
	s.start()(unauthorised)
	s.wantPaused("the key is still rejected", retry.Unauthorised)
	s.pass(30 * time.Second)
	s.start()(done)
	s.wantPaused("a probe that was accepted", retry.Again)
	s.wantMayCall("all calls flow", true)
	if got := s.governor.PausedFor(s.now.Add(time.Hour)); got != 90*time.Second {
		t.Errorf("paused in total: got %v, want 90 s", got)
	}
}

func TestAnyResponseOfTheNodeEndsAPause(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		verdict retry.Verdict
		want    retry.Kind
	}{
		"refused by LeadHit":   {retry.Verdict{Kind: retry.DeadLetter, Answered: true}, retry.Again},
		"a server error":       {retry.Verdict{Cause: "ServerError", Answered: true}, retry.Again},
		"could not be sent":    {retry.Verdict{Kind: retry.DeadLetter, Cause: "Unsendable"}, retry.Unauthorised},
		"a bad gateway":        {retry.Verdict{Cause: "HTTP 502"}, retry.Unauthorised},
		"no such method, 404":  {retry.Verdict{Kind: retry.Misconfigured}, retry.Misconfigured},
		"no such method, JSON": {retry.Verdict{Kind: retry.Misconfigured, Answered: true}, retry.Misconfigured},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.start()(retry.Verdict{Kind: retry.Unauthorised})
			s.pass(probeEvery)
			s.start()(c.verdict)
			s.wantPaused("after the probe", c.want)
		})
	}
}

func TestAChangeOfTheKeyMakesAProbeDueAtOnce(t *testing.T) {
	t.Parallel()
	done, _, _, unauthorised, _ := verdicts()
	s := newStage(t)
	s.start()(unauthorised)
	s.pass(time.Second)
	s.governor.KeyChanged(s.now)
	probe := s.start()
	s.governor.KeyChanged(s.now)
	s.wantMayCall("a probe is in flight", false)
	probe(unauthorised)
	s.start()(done)
	s.wantPaused("the second key is accepted", retry.Again)
}

func TestA403OfAnOldKeyPausesOnlyWhileTheNewOneIsUnproved(t *testing.T) {
	t.Parallel()
	done, _, _, unauthorised, _ := verdicts()
	s := newStage(t)
	first, second := s.start(), s.start()
	s.governor.KeyChanged(s.now)
	first(unauthorised)
	s.wantPaused("nobody has seen the new key work", retry.Unauthorised)
	s.start()(done) // due at once
	s.wantPaused("the new key works", retry.Again)
	second(unauthorised)
	s.wantPaused("a rejection of the old key", retry.Again)

	s = newStage(t)
	old := s.start()
	s.governor.KeyChanged(s.now)
	s.start()(done)
	old(unauthorised)
	s.wantPaused("the new key was proved before", retry.Again)
	s.start()(unauthorised)
	s.wantPaused("a rejection of the new key", retry.Unauthorised)
}

func TestThreeMisconfiguredOrdersInARowPauseAllCalls(t *testing.T) {
	t.Parallel()
	done, again, refused, _, misconfigured := verdicts()
	ownLetter := retry.Verdict{Kind: retry.DeadLetter, Cause: "Unsendable"}
	for name, c := range map[string]struct {
		between retry.Verdict
		want    retry.Kind
	}{
		"a success in between":       {done, retry.Again},
		"LeadHit refused a status":   {refused, retry.Again},
		"a timeout in between":       {again, retry.Misconfigured},
		"one that could not be sent": {ownLetter, retry.Misconfigured},
		"four such verdicts":         {misconfigured, retry.Misconfigured},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			a, b, x, d := s.start(), s.start(), s.start(), s.start()
			a(misconfigured)
			b(misconfigured)
			x(c.between)
			d(misconfigured)
			s.wantPaused("after three", c.want)
		})
	}
}

func TestOneMisconfiguredOrderAlonePausesNothing(t *testing.T) {
	t.Parallel()
	_, _, _, _, misconfigured := verdicts()
	s := newStage(t)
	for range 10 {
		s.governor.Answered(s.now, "same", s.governor.Start(s.now), misconfigured)
	}
	s.wantPaused("the same order ten times", retry.Again)
}

func TestANewKeyDoesNotHastenTheProbeOfAWrongURL(t *testing.T) {
	t.Parallel()
	_, _, _, _, misconfigured := verdicts()
	s := newStage(t)
	a, b, c := s.start(), s.start(), s.start()
	for _, answer := range []func(retry.Verdict){a, b, c} {
		answer(misconfigured)
	}
	s.governor.KeyChanged(s.now)
	s.wantMayCall("a new key does not help", false)
	if got, want := s.governor.Next(s.now), s.now.Add(probeEvery); !got.Equal(want) {
		t.Errorf("next probe: got %v, want %v", got, want)
	}
	s.pass(probeEvery)
	s.start()
	if got := s.governor.Next(s.now); !got.IsZero() {
		t.Errorf("next probe while one is in flight: got %v, want none", got)
	}
}
