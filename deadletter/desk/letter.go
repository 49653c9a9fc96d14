package desk

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/view"
)

// headersShown limits how many headers a page shows, because a record may have tens of thousands.
const headersShown = 200

// letterPage is one letter.
type letterPage struct {
	Letter

	ReadError   error // why there is no event and no history
	Headers     []shownHeader
	MoreHeaders int
	// Value is masked, unless Revealed.
	Value    string
	Revealed bool
	Others   []view.Letter // of the same order
	Class    classCount    // what a replay would do

	form
}

// shownHeader is a header of the event, as text.
type shownHeader struct{ Name, Value string }

// letter serves the page of one letter.
func (d *desk) letter(w http.ResponseWriter, r *http.Request) {
	d.showLetter(w, r, http.StatusOK, form{}, false)
}

// showLetter shows the page of a letter, even if Kafka does not respond. In that case, only the event and the history
// are missing. If reveal is set, the value is shown unmasked; the caller has already recorded that in the ledger.
func (d *desk) showLetter(w http.ResponseWriter, r *http.Request, code int, f form, reveal bool) {
	id, err := ledger.ParseID(letterIDOf(r))
	if err != nil {
		d.refuse(w, r, http.StatusNotFound, "letter.absent")
		return
	}
	p := letterPage{form: f}
	var found bool
	read := d.Source.Look(func(v *view.View) {
		if p.Letter.Letter, found = v.Find(id); found {
			p.Others = othersOf(v, p.Letter.Letter)
		}
	})
	switch {
	case !found && read.At.IsZero():
		d.refuseWith(w, r, http.StatusServiceUnavailable, "unread.title", read.Err)
		return
	case !found:
		d.refuse(w, r, http.StatusNotFound, "letter.absent")
		return
	}
	p.Class = classCount{read.Limits.Judge(p.Letter.Letter).Class, 1}
	ctx, cancel := context.WithTimeout(r.Context(), askLimit)
	defer cancel()
	if whole, err := d.Source.Letter(ctx, id); err != nil {
		p.ReadError = err
	} else {
		p.Letter = whole
	}
	p.layOut(reveal)
	d.show(w, r, code, "letter", read, &p)
}

// letterIDOf returns the id in the address of a letter's page. A form has the letter's item in its body, so that a
// query cannot change which letter the form names.
func letterIDOf(r *http.Request) string {
	id := r.PathValue("topic") + "/" + r.PathValue("partition") + "/" + r.PathValue("offset")
	item := r.PostFormValue("item")
	if r.Method != http.MethodPost {
		item = r.URL.Query().Get("item")
	}
	if item != "" {
		id += "#" + item
	}
	return id
}

// othersOf returns the other letters of the same order.
func othersOf(v *view.View, l view.Letter) []view.Letter {
	if l.OrderID == "" {
		return nil
	}
	others := v.List(view.Filter{Orders: []string{l.OrderID}}, "-failed", changedShown)
	return slices.DeleteFunc(others.Letters, func(o view.Letter) bool { return o.Ledger.ID == l.Ledger.ID })
}

// layOut converts the event's headers and value to text, and masks the value unless reveal is set.
func (p *letterPage) layOut(reveal bool) {
	for _, h := range p.Event.Headers {
		if len(p.Headers) == headersShown {
			p.MoreHeaders++
			continue
		}
		p.Headers = append(p.Headers, shownHeader{h.Key, textOf(h.Value)})
	}
	if p.Event.Value == nil {
		return
	}
	p.Revealed = reveal
	if reveal {
		p.Value = textOf(p.Event.Value)
		return
	}
	p.Value, _ = maskedValue(p.Event.Value, p.OrderID, p.Status)
}

// maxShown limits one text on a page, in bytes.
const maxShown = 256 << 10

// textOf returns bytes as text, or in hexadecimal if they are not UTF-8. If there are more than maxShown bytes, it
// returns the first maxShown of them, always as text, with replacement characters for bytes that are not UTF-8.
func textOf(b []byte) string {
	text, cut := string(b[:min(len(b), maxShown)]), len(b) > maxShown
	if !utf8.ValidString(text) && !cut {
		text = fmt.Sprintf("% x", text)
	}
	text = strings.ToValidUTF8(text, "�")
	if cut {
		text += " …"
	}
	return text
}

// Key returns the event's key as text.
func (p *letterPage) Key() string { return textOf(p.Event.Key) }

// HasEvent reports whether the record was read.
func (p *letterPage) HasEvent() bool { return p.ReadError == nil && p.Ledger.Known }

// Waits reports whether the letter can be dismissed; if not, it can be reopened.
func (p *letterPage) Waits() bool {
	return p.Ledger.State == fold.Open || p.Ledger.State == fold.Requeued
}

// SourceTime returns the time at which the event was written, or zero if that time is implausible.
func (p *letterPage) SourceTime() time.Time {
	if !event.Plausible(p.Time, time.Now()) {
		return time.Time{}
	}
	return p.Time
}

// reveal shows a letter's value, after the ledger has recorded who requests it, and why.
func (d *desk) reveal(w http.ResponseWriter, r *http.Request) {
	f := form{Reason: strings.TrimSpace(r.PostForm.Get("reason"))}
	id, err := ledger.ParseID(letterIDOf(r))
	switch {
	case err != nil:
		d.refuse(w, r, http.StatusNotFound, "letter.absent")
		return
	case f.Reason == "":
		f.Problem = "form.reason.missing"
		d.showLetter(w, r, http.StatusUnprocessableEntity, f, false)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), askLimit)
	defer cancel()
	if err := d.Writer.Reveal(ctx, id, signatureOf(r, f.Reason)); err != nil {
		f.Problem, f.Detail = "letter.notrevealed", err.Error()
		d.showLetter(w, r, http.StatusBadGateway, f, false)
		return
	}
	d.showLetter(w, r, http.StatusOK, f, true)
}
