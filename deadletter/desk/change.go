package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/view"
)

const (
	// mostChanged limits how many letters one form dismisses or reopens, because each takes an entry in the ledger.
	mostChanged = 1000
	// changedShown is how many of these letters a page lists.
	changedShown = 25
)

// changePage asks a person to confirm dismissing or reopening letters, or shows the outcome.
type changePage struct {
	selection

	What    string // dismiss or reopen
	Letters []view.Letter
	// Count is how many letters the form changes. More is how many match beyond the limit. Left is how many are in a
	// state that the form does not change.
	Count, More, Left int
	Orders            int
	Hash              string
	Hidden            url.Values

	form
	Done    bool
	Changed int
	Late    []Changed // letters that another person or a worker changed first
}

// changing returns the handler that shows the form for dismissing or reopening letters.
func (d *desk) changing(what string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := selectionOf(r.URL.Query(), time.Now())
		if d.misread(w, r, s) {
			return
		}
		p, _, read := d.newChange(what, s)
		d.show(w, r, http.StatusOK, "change", read, &p)
	}
}

// newChange collects the letters that a form changes.
func (d *desk) newChange(what string, s selection) (changePage, []ledger.ID, Reading) {
	p := changePage{selection: s, What: what, Hidden: s.fixed()}
	var ids []ledger.ID
	f := s.Filter
	if what == "reopen" && s.Query.Get("state") == "" && len(s.IDs) == 0 {
		f.States = []fold.State{fold.Dismissed}
	}
	orders := map[string]bool{}
	sum := sha256.New()
	read := d.Source.Look(func(v *view.View) {
		for l := range v.Letters(f) {
			waits := l.Ledger.State == fold.Open || l.Ledger.State == fold.Requeued
			switch {
			case waits != (what == "dismiss"):
				p.Left++
				continue
			case len(ids) == mostChanged:
				p.More++
				continue
			}
			ids = append(ids, l.Ledger.ID)
			_, _ = fmt.Fprintf(sum, "%s %d %s\n", l.Ledger.ID, l.Ledger.N, l.Ledger.State)
			orders[l.OrderID] = true
			if len(p.Letters) < changedShown {
				p.Letters = append(p.Letters, l)
			}
		}
	})
	p.Count, p.Orders, p.Hash = len(ids), len(orders), hex.EncodeToString(sum.Sum(nil)[:12])
	p.Typed = p.Count > typedNumber
	return p, ids, read
}

// change returns the handler that dismisses or reopens exactly the letters that a person has seen. If the selection has
// changed since, no letter is changed.
func (d *desk) change(what string, as ledger.Event) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := selectionOf(r.PostForm, time.Now())
		if d.misread(w, r, s) {
			return
		}
		p, ids, read := d.newChange(what, s)
		p.Reason = strings.TrimSpace(r.PostForm.Get("reason"))
		code := http.StatusUnprocessableEntity
		switch {
		case p.Count == 0:
			p.Problem = "change.nothing"
		case r.PostForm.Get("hash") != p.Hash:
			p.Problem, code = "change.stale", http.StatusConflict
		case p.Reason == "":
			p.Problem = "form.reason.missing"
		case p.Typed && strings.TrimSpace(r.PostForm.Get("number")) != strconv.Itoa(p.Count):
			p.Problem = "form.number.wrong"
		default:
			code = d.carryOut(r, &p, as, ids)
		}
		d.show(w, r, code, "change", read, &p)
	}
}

// carryOut writes the entries. A letter that another person or a worker changed first is not a failure. The page lists
// the letter and shows who was first, so that the person can look again.
func (d *desk) carryOut(r *http.Request, p *changePage, as ledger.Event, ids []ledger.ID) (code int) {
	// A write that has started continues even if the person closes the page, because half a change would help nobody.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), askLimit)
	defer cancel()
	changed, err := d.Writer.Change(ctx, as, ids, signatureOf(r, p.Reason))
	if err != nil {
		p.Problem, p.Detail = "change.failed", err.Error()
		return http.StatusBadGateway
	}
	p.Done = true
	p.Late = slices.DeleteFunc(changed, func(c Changed) bool { return c.Counted })
	p.Changed = len(ids) - len(p.Late)
	return http.StatusOK
}

// changeTexts holds the keys of a form's texts.
type changeTexts struct{ Title, Head, Text, Form, Do, Done, Left string }

// Texts returns the keys of the texts for the form's action.
func (p changePage) Texts() changeTexts {
	if p.What == "reopen" {
		return changeTexts{
			"change.reopen.title", "change.reopen.head", "change.reopen.text", "change.reopen.form", "change.reopen.do",
			"change.reopen.done", "change.reopen.left",
		}
	}
	return changeTexts{
		"change.dismiss.title", "change.dismiss.head", "change.dismiss.text", "change.dismiss.form", "change.dismiss.do",
		"change.dismiss.done", "change.dismiss.left",
	}
}

// Command returns the command line for the same action.
func (p changePage) Command() string { return p.command("letters "+p.What) + ` --reason "…"` }

// Back returns the address of the list that the person came from.
func (p changePage) Back() string { return address("/letters", p.Query) }
