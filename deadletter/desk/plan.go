package desk

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/replay"
	"leadhit-sync/deadletter/view"
)

const (
	// typedNumber is how many letters a person may change without typing how many there are. The commands
	// have the same limit.
	typedNumber = 25
	// fewOrders is how many order ids a plan shows.
	fewOrders = 10
	// askLimit is how long a page may wait for Kafka.
	askLimit = 30 * time.Second
	// mostRate is the highest rate that a form may set, in letters per second.
	mostRate = 1000
)

// planPage is a plan with the form that starts it.
type planPage struct {
	selection

	Plan
	Classes    []classCount
	Orders     []string // the first ones
	OrderCount int
	LeftCount  int // letters that are left alone; Left holds the first few
	Becomes    []becomes
	Hash       string
	Hidden     url.Values // the selection, with fixed times
	Lasts      time.Duration

	form
	Rate, Canary string
}

// form is what a person has filled in, and what is wrong with it.
type form struct {
	Reason  string
	Typed   bool   // the number of letters must be typed
	Problem string // key of a text; "" if nothing is wrong
	Detail  string // an error as the commands print it, or empty
}

// becomes is what the current mapping makes of some letters.
type becomes struct {
	Action, Text string
	Count        int
}

// plan serves a plan. It changes nothing, so anybody who may see letters may see it.
func (d *desk) plan(w http.ResponseWriter, r *http.Request) {
	s := selectionOf(r.URL.Query(), time.Now())
	if d.misread(w, r, s) {
		return
	}
	p, err := d.newPlan(r.Context(), s)
	if err != nil {
		d.refuseWith(w, r, http.StatusBadGateway, "plan.failed", err)
		return
	}
	run, _ := replay.Defaults()
	p.Rate, p.Canary = fmt.Sprint(run.Rate), strconv.Itoa(run.Canary)
	d.show(w, r, http.StatusOK, "plan", d.reading(), &p)
}

// newPlan gets a plan from the source and prepares its page. The hash of the plan goes to the browser and back, so that
// a run does what the person saw, or nothing.
func (d *desk) newPlan(ctx context.Context, s selection) (planPage, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	made, err := d.Source.Plan(ctx, s.Filter)
	if err != nil {
		return planPage{}, err
	}
	p := planPage{selection: s, Plan: made, Hidden: s.fixed()}
	for _, class := range replay.Classes() {
		n := made.Counts[class]
		if class != replay.Ready {
			p.LeftCount += n
		}
		if n > 0 {
			p.Classes = append(p.Classes, classCount{class, n})
		}
	}
	orders := made.Orders()
	p.OrderCount, p.Orders = len(orders), orders[:min(fewOrders, len(orders))]
	p.Becomes = becomesOf(made.Letters)
	p.Hash = hashOf(made)
	p.Typed = len(made.Letters) > typedNumber
	run, _ := replay.Defaults()
	p.Lasts = time.Duration(float64(len(made.Letters)) / run.Rate * float64(time.Second))
	return p, nil
}

// becomesOf counts what the current mapping makes of letters, the most frequent first.
func becomesOf(letters []replay.Planned) []becomes {
	counts := map[becomes]int{}
	for _, l := range letters {
		switch b := l.Becomes; {
		case b == nil:
			counts[becomes{Action: "unknown"}]++
		case b.Action == event.Call:
			counts[becomes{Action: "call", Text: b.Status}]++
		case b.Action == event.Ignore:
			counts[becomes{Action: "ignore"}]++
		default:
			counts[becomes{Action: "refuse", Text: b.Cause}]++
		}
	}
	var all []becomes
	for b, n := range counts {
		b.Count = n
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b becomes) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Action+a.Text, b.Action+b.Text))
	})
	return all
}

// hashOf returns a hash of everything that a run of the plan would do.
func hashOf(p Plan) string {
	sum := sha256.New()
	for _, l := range p.Letters {
		_, _ = fmt.Fprintf(sum, "%s %d %d %v\n", l.ID, l.N, l.Offset, l.Force)
		if l.Becomes != nil {
			_, _ = fmt.Fprintf(sum, "%q %q %v\n", l.Becomes.OrderID, l.Becomes.Status, l.Becomes.Action)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:12])
}

// fixed returns the selection with times instead of durations, so that a form made from it selects the same letters
// later.
func (s *selection) fixed() url.Values {
	query := maps.Clone(s.Query)
	for name, at := range map[string]time.Time{"since": s.Since, "until": s.Until} {
		if !at.IsZero() {
			query[name] = []string{at.UTC().Format(time.RFC3339Nano)}
		}
	}
	return query
}

// start starts the run of a plan that a person has seen. It plans again, and does not start the run if the new plan is
// different.
func (d *desk) start(w http.ResponseWriter, r *http.Request) {
	s := selectionOf(r.PostForm, time.Now())
	if d.misread(w, r, s) {
		return
	}
	p, err := d.newPlan(r.Context(), s)
	if err != nil {
		d.refuseWith(w, r, http.StatusBadGateway, "plan.failed", err)
		return
	}
	p.Rate, p.Canary = r.PostForm.Get("rate"), r.PostForm.Get("canary")
	p.Reason = strings.TrimSpace(r.PostForm.Get("reason"))
	options, code := p.check(r.PostForm)
	if p.Problem == "" {
		var run string
		if run, err = d.Writer.Start(r.Context(), p.Plan, options, signatureOf(r, p.Reason)); err == nil {
			seeOther(w, r, runURL(run))
			return
		}
		code, p.Problem, p.Detail = http.StatusBadGateway, "plan.notstarted", err.Error()
		if _, changed := errors.AsType[*replay.ChangedError](err); changed {
			code, p.Problem = http.StatusConflict, "plan.changed"
		}
	}
	d.show(w, r, code, "plan", d.reading(), &p)
}

// check reads the form's options, and notes the first problem.
func (p *planPage) check(form url.Values) (o Options, code int) {
	var wrongRate, wrongCanary error
	o.Rate, wrongRate = strconv.ParseFloat(p.Rate, 64)
	o.Canary, wrongCanary = strconv.Atoi(p.Canary)
	code = http.StatusUnprocessableEntity
	switch {
	case form.Get("hash") != p.Hash: // first, because another person may have replayed all letters
		p.Problem, code = "plan.changed", http.StatusConflict
	case len(p.Letters) == 0:
		p.Problem = "plan.nothing"
	case p.Missing != nil:
		p.Problem, p.Detail = "plan.missing", p.Missing.Error()
	case p.Reason == "":
		p.Problem = "form.reason.missing"
	case p.Typed && strings.TrimSpace(form.Get("number")) != strconv.Itoa(len(p.Letters)):
		p.Problem = "form.number.wrong"
	case wrongRate != nil || math.IsNaN(o.Rate) || o.Rate <= 0 || o.Rate > mostRate:
		p.Problem = "plan.rate.wrong"
	case wrongCanary != nil || o.Canary < 0:
		p.Problem = "plan.canary.wrong"
	}
	return o, code
}

// Command returns the command line for the same replay.
func (p *planPage) Command() string {
	return p.command("replay") + ` --reason "…"`
}

// reading returns how fresh the view is.
func (d *desk) reading() Reading { return d.Source.Look(func(*view.View) {}) }

// signatureOf returns the signature of the person who sent a form.
func signatureOf(r *http.Request, reason string) Signature {
	return Signature{By: visitorOf(r).Name, Reason: reason}
}
