// Package sandbox is a look-alike of LeadHit's orders node with switchable faults, for tests and the demo.
//
// A [Sandbox] is an http.Handler that speaks the node's JSON-RPC: POST on any path is a call, GET on a path that ends
// in /map lists the methods. Its errors have the form that LeadHit's server (the Python package json-rpc) gives them.
// [Faults] make the sandbox misbehave, and can change while calls run.
//
// Its call log has all calls in the order in which they arrived, with their outcomes. Calls to unknown methods are only
// counted, by [Sandbox.Strays]. A call is executed, if at all, as soon as it has been read, before any latency, so a
// client that stops waiting has nevertheless changed the order. The log grows until [Sandbox.Reset], by about 200 bytes
// per call.
//
// Everything is safe for concurrent use. The sandbox has no goroutines and no clock of its own, so it works in a
// testing/synctest bubble. Its random numbers come from a seed. A handler that delays a call ends when the client hangs
// up or the server is closed.
package sandbox

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxBody is the longest request body that is read.
const maxBody = 1 << 20

// Options configure a new sandbox.
type Options struct {
	// Key is the value that the API-KEY header must have. Empty means that any key will do, but there must be one.
	Key string
	// GuardMap makes the map page require the key too.
	GuardMap bool
	// Seed makes the random numbers repeatable.
	Seed   uint64
	Faults Faults
}

// Sandbox is the look-alike. Create it with [New].
type Sandbox struct {
	callLog
	faults atomic.Pointer[Faults]
	key    atomic.Pointer[string]
	guard  bool // the map page requires the key
	bodies sync.Pool

	mu     sync.Mutex // guards what follows, and changes to faults
	dice   *rand.Rand
	tokens float64
	filled time.Time
}

// New returns a sandbox with an empty call log.
func New(options Options) *Sandbox {
	s := &Sandbox{
		dice:   newDice(options.Seed),
		guard:  options.GuardMap,
		bodies: sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}
	s.faults.Store(&options.Faults)
	s.SetKey(options.Key)
	return s
}

// ServeHTTP answers one request.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost:
		s.serveCall(w, r)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	case !strings.HasSuffix(r.URL.Path, "/map"):
		http.NotFound(w, r)
	case s.guard && !s.admits(r.Header.Get("API-KEY")):
		http.Error(w, http.StatusText(http.StatusForbidden), http.StatusForbidden)
	default:
		s.serveMap(w)
	}
}

func (s *Sandbox) serveCall(w http.ResponseWriter, r *http.Request) {
	entry := s.begin(r.URL.Path)
	body, _ := s.bodies.Get().(*bytes.Buffer)
	defer s.bodies.Put(body)
	body.Reset()
	_, err := body.ReadFrom(io.LimitReader(r.Body, maxBody))
	c := parseRequest(body.Bytes())
	if err != nil {
		// The client has hung up, or has sent garbage, so nothing is executed.
		s.end(entry, Abandoned)
		return
	}
	p := s.decide(r.Header.Get("API-KEY"), c)
	s.name(entry, c, p.answer.Executed())
	if !pause(r, p.wait) {
		s.end(entry, Abandoned)
		return
	}
	// net/http cancels the context when the client closes the connection, but only after the body has been read.
	if p.answer == Lost {
		<-r.Context().Done()
	}
	// The outcome is recorded before the response is written, so that a client that has the response finds the outcome
	// in the log.
	s.end(entry, p.answer)
	p.write(w, c)
}

// pause waits, and reports whether the client is still connected.
func pause(r *http.Request, wait time.Duration) bool {
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (p *plan) write(w http.ResponseWriter, c *request) {
	switch {
	case p.answer == Closed, p.answer == Lost:
		hangUp(w, quietly)
	case p.answer == Reset, p.answer == LostReset:
		hangUp(w, abruptly)
	case p.answer == Cut:
		p.writeHalf(w, c)
		hangUp(w, abruptly)
	case p.answer == HTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<html><body>Service is being updated</body></html>")
	case p.status != 0:
		if p.retry != "" {
			w.Header().Set("Retry-After", p.retry)
		}
		http.Error(w, http.StatusText(p.status), p.status)
	default:
		w.Header()["Content-Type"] = jsonType()
		_, _ = w.Write(p.appendAnswer(make([]byte, 0, 128), c))
	}
}

// writeHalf announces the length of the whole response and sends half of it.
func (p *plan) writeHalf(w http.ResponseWriter, c *request) {
	answer := p.appendAnswer(make([]byte, 0, 128), c)
	w.Header()["Content-Type"] = jsonType()
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = w.Write(answer[:len(answer)/2])
	_ = http.NewResponseController(w).Flush() // without a Flusher the client gets no response at all
}

func jsonType() []string { return []string{"application/json"} }

// hangUp passes the connection to prepare, and then closes the connection without a response.
func hangUp(w http.ResponseWriter, prepare func(net.Conn)) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: net/http resets the stream
	}
	prepare(conn)
	_ = conn.Close()
}

func quietly(net.Conn) {}

// abruptly turns the close into a TCP reset, if the connection is TCP.
func abruptly(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// serveMap writes the page that the Python package json-rpc would write, which escapes nothing.
func (s *Sandbox) serveMap(w http.ResponseWriter) {
	if f := s.faults.Load(); f.Closed {
		hangUp(w, quietly)
		return
	} else if f.Status != 0 {
		http.Error(w, http.StatusText(f.Status), f.Status)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, "<h1>JSON-RPC map</h1><pre>"+
		"get_orders: None\n\n"+
		"set_order_status: \n    Set the status of an order.\n\n    :param str order_id: id of the order\n"+
		"    :param str status: paid, submitted\n    :return bool: True\n    </pre>")
}
