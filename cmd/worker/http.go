package worker

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"leadhit-sync/cmd/worker/observe"
	"leadhit-sync/consumer"
	"leadhit-sync/consumer/status"
)

const (
	// stuckAfter is the maximum age of the consumer's last turn. A turn is taken at least once a second, and no turn
	// waits for anything.
	stuckAfter    = 15 * time.Second
	requestLimit  = 5 * time.Second
	maxHTTPHeader = 16 << 10
)

// server returns the server for the worker's own pages. The pages are read-only, because all changes go through the
// ledger.
func (w *Worker) server() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", w.livez)
	mux.HandleFunc("GET /readyz", w.readyz)
	mux.HandleFunc("GET /status", w.status)
	mux.Handle("GET /metrics", w.metrics.Handler())
	return &http.Server{
		Handler: mux,
		// A client that is slow on purpose must not keep connections open.
		ReadHeaderTimeout: requestLimit, ReadTimeout: requestLimit, WriteTimeout: 2 * requestLimit, IdleTimeout: time.Minute,
		MaxHeaderBytes: maxHTTPHeader,
	}
}

// livez reports whether the consumer's last turn is recent. The result never depends on Kafka or LeadHit, because a
// restart fixes neither.
func (w *Worker) livez(rw http.ResponseWriter, _ *http.Request) {
	pulse := w.consumer.Pulse()
	if !pulse.IsZero() && time.Since(pulse) > stuckAfter {
		answer(rw, http.StatusServiceUnavailable, fmt.Sprintf("stuck: no turn for %v", time.Since(pulse).Round(time.Second)))
		return
	}
	answer(rw, http.StatusOK, "alive")
}

// readyz reports whether the worker is ready: its settings and key have been read, it has joined the group once, and it
// is not stopping. A worker is ready even if it has no partitions or LeadHit is down, because otherwise it would hold
// up the rollout that fixes the problem. The page's text says whether calls are paused, and what the worker waits for.
func (w *Worker) readyz(rw http.ResponseWriter, _ *http.Request) {
	switch {
	case w.stopping.Load():
		answer(rw, http.StatusServiceUnavailable, consumer.Draining)
	case !w.consumer.Joined():
		answer(rw, http.StatusServiceUnavailable, w.Status().Detail())
	default:
		answer(rw, http.StatusOK, strings.Join(append([]string{w.ready()}, w.problems(w.consumer.State())...), "\n"))
	}
}

// ready returns the readiness text: the state and, for a pause by a person or the flood guard, its author and reason.
func (w *Worker) ready() string {
	s := w.Status()
	if s.Paused && s.By != "" {
		return fmt.Sprintf("%s, by %s: %s", s.Text(), s.By, s.Reason)
	}
	return s.Detail()
}

// Status returns the worker's current status.
func (w *Worker) Status() status.Worker {
	state := w.consumer.State()
	s := w.metrics.Status(state, w.consumer.WaitingOrders(math.MaxInt))
	s.Replays = w.consumer.LetterCounts(time.Time{}).Waiting
	s.Version, s.Group = w.version, w.config.Kafka.Group
	s.Problems, s.Flaws = w.problems(state), w.fitness.flaws()
	return s
}

// status shows the worker's status, and with ?order=ID also what is left to do for one order.
func (w *Worker) status(rw http.ResponseWriter, r *http.Request) {
	s := w.Status()
	if order := r.URL.Query().Get("order"); order != "" {
		items, more := w.consumer.OrderItems(order)
		s.Order = observe.OrderStatusOf(order, items, more)
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil { // better than an empty page
		answer(rw, http.StatusInternalServerError, "the status cannot be written: "+err.Error())
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	_, _ = rw.Write(append(text, '\n')) // fails only if the client is gone
}

func answer(rw http.ResponseWriter, code int, text string) {
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	rw.WriteHeader(code)
	_, _ = fmt.Fprintln(rw, text) // fails only if the client is gone
}
