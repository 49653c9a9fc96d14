package desk

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"leadhit-sync/deadletter/view"
)

// replaysShown is how many letters of a run a page lists.
const replaysShown = 200

// runsPage lists the runs, the newest first.
type runsPage struct {
	Runs  []view.Run
	Count int
}

// mostRuns is how many runs a page lists.
const mostRuns = 100

// runs shows the newest runs and the number of all runs. The ledger keeps older runs, and the runs command lists them.
func (d *desk) runs(w http.ResponseWriter, r *http.Request) {
	all, read := look(d, "runs", func(v *view.View, _ Reading) []view.Run {
		runs := v.Runs()
		slices.Reverse(runs)
		return runs
	})
	d.show(w, r, http.StatusOK, "runs", read, runsPage{all[:min(mostRuns, len(all))], len(all)})
}

// runPage is one run with its letters.
type runPage struct {
	view.Run

	Replays      []view.Replay // refused and failed ones first
	First, Last  int           // numbers of the replays shown, from 1
	Newer, Older string        // addresses of the adjacent pages
	// Mine reports whether this process carries the run out, and can stop it.
	Mine   bool
	Going  bool
	Failed string // why it could not be stopped
}

// Refreshes reports whether the page reloads itself in a browser without scripts.
func (p *runPage) Refreshes() bool { return p.Going || p.Waiting > 0 }

func (d *desk) run(w http.ResponseWriter, r *http.Request) { d.showRun(w, r, "") }

// showRun shows one run. If a desk is killed, its run has no end in the ledger. After runForgotten, the page no longer
// shows such a run as running. failed says why the run could not be stopped; it is "" otherwise.
func (d *desk) showRun(w http.ResponseWriter, r *http.Request, failed string) {
	name := r.PathValue("run")
	type found struct {
		run     view.Run
		replays []view.Replay
		is      bool
	}
	is, read := look(d, "run "+name, func(v *view.View, _ Reading) found {
		i := slices.IndexFunc(v.Runs(), func(r view.Run) bool { return r.Name == name })
		if i < 0 {
			return found{}
		}
		return found{v.Runs()[i], v.Replays(name), true}
	})
	if !is.is {
		d.refuse(w, r, http.StatusNotFound, "run.absent")
		return
	}
	p := runPage{Run: is.run, Mine: slices.Contains(read.Running, name), Failed: failed}
	p.turn(is.replays, r.FormValue("page"))
	p.Going = p.Mine || p.Stopped.IsZero() && time.Since(p.Started) < runForgotten
	code := http.StatusOK
	if failed != "" {
		code = http.StatusConflict
	}
	d.show(w, r, code, "run", read, &p)
}

// turn fills in one page of replays.
func (p *runPage) turn(all []view.Replay, page string) {
	number, _ := strconv.Atoi(page)
	number = min(max(number, 1), 1+(len(all)-1)/replaysShown)
	skip := (number - 1) * replaysShown
	p.Replays = all[skip:min(skip+replaysShown, len(all))]
	p.First, p.Last = min(skip+1, len(all)), skip+len(p.Replays)
	if number > 1 {
		p.Newer = fmt.Sprintf("%s?page=%d", runURL(p.Name), number-1)
	}
	if p.Last < len(all) {
		p.Older = fmt.Sprintf("%s?page=%d", runURL(p.Name), number+1)
	}
}

// stop stops a run of this process.
func (d *desk) stop(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("run")
	if err := d.Writer.Stop(name, signatureOf(r, "")); err != nil {
		d.showRun(w, r, err.Error())
		return
	}
	seeOther(w, r, runURL(name))
}
