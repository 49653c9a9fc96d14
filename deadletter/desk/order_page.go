package desk

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/view"
)

// orderLimit is how long a page waits for an order. Kafka has no index of orders, so all events are read.
const orderLimit = 25 * time.Second

// orderSpans returns the periods that a person may look back, by name. The command's --since also accepts these names.
func orderSpans() map[string]time.Duration {
	const day = 24 * time.Hour
	return map[string]time.Duration{"24h": day, "7d": 7 * day, usualSpan: 30 * day, "90d": 90 * day}
}

// usualSpan is the command's default.
const usualSpan = "30d"

// orderPage serves the page about one order.
func (d *desk) orderPage(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimSpace(r.URL.Query().Get("id"))
	v := &orderView{Back: r.URL.Query().Get("since"), Spans: []string{"24h", "7d", usualSpan, "90d"}, At: time.Now()}
	if !slices.Contains(v.Spans, v.Back) {
		v.Back = usualSpan
	}
	code := http.StatusOK
	if id != "" {
		v.Asked = true
		code = v.read(r.Context(), d.Source, id)
	}
	d.show(w, r, code, "order", d.Source.Look(func(*view.View) {}), v)
}

// read gets the order from the source, and returns the HTTP status of the page.
func (v *orderView) read(ctx context.Context, source Source, id string) int {
	ctx, cancel := context.WithTimeout(ctx, orderLimit)
	defer cancel()
	v.Order, v.Failed = source.Order(ctx, id, v.At.Add(-orderSpans()[v.Back]))
	v.ID = id
	v.Command = "leadhit-sync order " + strings.TrimPrefix(view.Filter{Orders: []string{id}}.String(), "--order ")
	if v.Back != usualSpan {
		v.Command += " --since " + v.Back
	}
	v.count()
	switch {
	case errors.Is(v.Failed, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case v.Failed != nil:
		return http.StatusBadGateway
	case len(v.Events) == 0 && v.Complete:
		return http.StatusNotFound
	}
	return http.StatusOK
}

// LetterURL returns the address of the event's letter.
func (e OrderEvent) LetterURL() (string, error) {
	id, err := ledger.ParseID(e.ID)
	if err != nil {
		return "", err
	}
	return letterURL(id), nil
}
