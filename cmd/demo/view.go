package main

import (
	"context"
	"time"

	"leadhit-sync/consumer/status"
	"leadhit-sync/deadletter"
)

// view is what the demo shows at one moment.
type view struct {
	elapsed, length time.Duration // length 0: until Ctrl-C

	state string // of the worker, in its own words
	since time.Duration

	events, unfinished, calls, retries, letters int
	inFlight, limit, waiting                    int
	oldest                                      time.Duration

	perSecond float64   // calls, over the last second
	rates     []float64 // calls per second, a value for each half second, the newest last

	beats       []beat
	lastLetters []deadletter.Letter // oldest first
	log         []logLine           // since the last view, oldest first
	address     string
	desk        string // its address
	exports     string // the file with the export lines
}

// painter shows views. Its methods are called by one goroutine at a time. The demo's story, figures and log are the
// same for both painters; a painter only decides how they look.
type painter interface {
	// paint shows a view. It is called several times a second.
	paint(view)
	// finish shows the last view. After that, other code may write to the output.
	finish(view)
	// manner returns the width of the output, and how to show styles.
	manner() (width int, ink ink)
}

const (
	// Eight frames a second look smooth, and cost little.
	lookEvery   = 125 * time.Millisecond
	bucket      = 500 * time.Millisecond
	keptRates   = 240
	keptLetters = 8
)

// show paints until ctx ends. The last view is painted after ctx has ended, so that it has the final figures.
func (d *demo) show(ctx context.Context, paint painter) {
	w := watch{demo: d, at: d.begun}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			paint.finish(w.look(time.Now()))
			return
		case <-ticker.C:
			paint.paint(w.look(time.Now()))
		}
	}
}

// watch remembers what the next view needs. It has no lock, because only show's goroutine uses it.
type watch struct {
	*demo
	at         time.Time // the end of the last bucket
	calls      int       // made by the end of the last bucket
	rates      []float64
	log        int
	paused     string        // the reason, while calls are paused
	pause      time.Duration // how long the pause has lasted
	unfinished int
}

// look collects the state of all parts. The parts keep running meanwhile, so the figures may differ by a few
// milliseconds' worth of events; only the summary compares exactly.
func (w *watch) look(now time.Time) view {
	s := w.worker.Status()
	w.notice(s, now.Sub(s.Since))
	v := view{
		elapsed: now.Sub(w.begun), length: w.options.length, state: s.Text(), since: now.Sub(s.Since),
		events: len(w.shop.entries()), calls: w.leadhit.Count(), retries: int(s.Retries), letters: w.box.stored(),
		inFlight: s.InFlight, limit: s.Limit, waiting: s.Waiting, oldest: time.Duration(s.OldestAge * float64(time.Second)),
		beats: w.story.beats(), address: w.address, desk: w.desk.address, exports: w.exportsFile(), log: w.logs.since(w.log),
	}
	if len(v.log) > 0 {
		w.log = v.log[len(v.log)-1].number
	}
	v.lastLetters, _ = w.box.all()
	v.lastLetters = v.lastLetters[max(0, len(v.lastLetters)-keptLetters):]
	if len(s.Partitions) > 0 {
		// Events that were written but not yet fetched are unfinished too.
		w.unfinished = v.events
		for _, p := range s.Partitions {
			w.unfinished += p.Unfinished - int(p.Fetched)
		}
	}
	v.unfinished = max(w.unfinished, 0)
	w.measure(now, v.calls)
	v.rates = w.rates
	last := w.rates[max(0, len(w.rates)-2):]
	for _, rate := range last {
		v.perSecond += rate / float64(len(last))
	}
	return v
}

// measure adds the calls since the last bucket to the rates. It divides by the time that has actually passed, because a
// busy machine delays ticks.
func (w *watch) measure(now time.Time, calls int) {
	passed := now.Sub(w.at)
	if passed < bucket {
		return
	}
	w.rates = append(w.rates, float64(calls-w.calls)/passed.Seconds())
	if len(w.rates) > keptRates {
		w.rates = w.rates[1:]
	}
	w.at, w.calls = now, calls
}

// notice adds the end of a pause to the story when the worker has ended the pause, because the story's scenes cannot
// know when that happens.
func (w *watch) notice(s status.Worker, since time.Duration) {
	if s.Paused {
		w.paused, w.pause = s.State, since
		return
	}
	switch w.paused {
	case "":
	case "unauthorised":
		w.story.add("the worker found the new key: calls resumed after " + seconds(w.pause))
	default: // an outage, a manual pause, or one by the flood guard
		w.story.add("the pause ended: calls resumed after " + seconds(w.pause))
	}
	w.paused = ""
}
