package office_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/broker"
	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/fold"
	"leadhit-sync/deadletter/office"
	"leadhit-sync/deadletter/operator"
	"leadhit-sync/deadletter/view"
)

// refuse makes the broker reject all reads of a topic until allow is called.
func (w *world) refuse(topic string) (allow func()) {
	var over atomic.Bool
	w.fake.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		if over.Load() {
			return nil, nil, false
		}
		w.fake.KeepControl()
		request, _ := r.(*kmsg.FetchRequest)
		if len(request.Topics) == 0 || request.Topics[0].Topic != topic {
			return nil, nil, false
		}
		response, _ := request.ResponseKind().(*kmsg.FetchResponse)
		of := kmsg.NewFetchResponseTopic()
		of.Topic = topic
		p := kmsg.NewFetchResponseTopicPartition()
		p.ErrorCode = kerr.TopicAuthorizationFailed.Code
		of.Partitions = append(of.Partitions, p)
		response.Topics = append(response.Topics, of)
		return response, nil, true
	})
	return func() { over.Store(true) }
}

// Without the ledger, every letter would look open, even one that LeadHit accepted long ago.
func TestNothingIsShownBeforeTheLedgerCouldBeRead(t *testing.T) {
	c := newWorld(t, 2)
	c.entry(ledger.Entry{Event: ledger.LetterDismissed, ID: "orders/0/0", Reason: "a test"})
	allow := c.refuse(entries)
	o := c.started()
	await(t, "the refusal", func() bool { return reading(o).Err != nil })
	is := reading(o)
	if !is.At.IsZero() || !strings.Contains(is.Err.Error(), entries) {
		t.Errorf("got a reading of %v with %v, want none, and the ledger's name", is.At, is.Err)
	}
	w := o.Workers(t.Context())
	if w.Unread == nil {
		t.Error("got no error about the pauses, want one: without the ledger they are unknown")
	}
	allow()
	await(t, "a good read", func() bool { return reading(o).Err == nil && !reading(o).At.IsZero() })
	if got := states(o); got[fold.Open] != 1 || got[fold.Dismissed] != 1 {
		t.Errorf("got %v, want one letter open and one dismissed", got)
	}
}

func TestTheLastStatesStayWhileTheLedgerCannotBeRead(t *testing.T) {
	c := newWorld(t, 2)
	o := c.office()
	before := reading(o).At
	allow := c.refuse(entries)
	c.entry(ledger.Entry{Event: ledger.LetterDismissed, ID: "orders/0/0", Reason: "a test"})
	await(t, "the refusal", func() bool { return reading(o).Err != nil })
	if is := reading(o); is.At.Before(before) || states(o)[fold.Open] != 2 {
		t.Errorf("got %v and %v, want the states of the last good read", is, states(o))
	}
	if _, err := o.Plan(t.Context(), view.Filter{}); err == nil {
		t.Error("got a plan, want an error")
	}
	allow()
	await(t, "the entry", func() bool { return states(o)[fold.Dismissed] == 1 })
}

func TestLettersOfARecreatedTopicReplaceTheOldOnes(t *testing.T) {
	c := newWorld(t, 3)
	c.entry(ledger.Entry{Event: ledger.LetterDismissed, ID: "orders/0/0", Reason: "a test"})
	o := c.office()
	before := reading(o).Number
	c.recreate(letters)
	c.letter(7)
	await(t, "the new letter alone", func() bool {
		found := 0
		o.Look(func(v *view.View) {
			for l := range v.Letters(view.Filter{}) {
				found++
				if l.ID() != "orders/0/7" {
					found = -1
					return
				}
			}
		})
		return found == 1
	})
	if after := reading(o); after.Number <= before {
		t.Errorf("got reading %d after %d, want a higher number: pages are cached by it", after.Number, before)
	}
}

// recreate deletes and recreates a topic.
func (w *world) recreate(topic string) {
	w.Helper()
	gone := kmsg.NewPtrDeleteTopicsRequest()
	old := kmsg.NewDeleteTopicsRequestTopic()
	old.Topic = new(topic)
	gone.Topics, gone.TopicNames = append(gone.Topics, old), []string{topic}
	created := kmsg.NewPtrCreateTopicsRequest()
	again := kmsg.NewCreateTopicsRequestTopic()
	again.Topic, again.NumPartitions, again.ReplicationFactor = topic, 1, 1
	created.Topics = append(created.Topics, again)
	_, err := gone.RequestWith(w.Context(), w.client)
	_, cerr := created.RequestWith(w.Context(), w.client)
	if err := errors.Join(err, cerr); err != nil {
		w.Fatal(err)
	}
	w.client.PurgeTopicsFromClient(topic) // the client has cached the old topic's id
}

func TestAnEleventhRunIsRefused(t *testing.T) {
	c := newWorld(t, 11)
	o := c.office()
	start := func(i int) (string, error) {
		p, err := o.Plan(t.Context(), view.Filter{IDs: []ledger.ID{{Topic: "orders", Offset: int64(i), Item: ledger.NoItem}}})
		if err != nil || len(p.Letters) != 1 {
			t.Fatalf("got %v, %v, want a plan of one letter", p.Letters, err)
		}
		return o.Start(t.Context(), p, desk.Options{Rate: 10, Canary: 1}, anna)
	}
	var runs []string
	for i := range 10 {
		run, err := start(i)
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	if _, err := start(10); err == nil || !strings.Contains(err.Error(), "10 runs are in progress already") {
		t.Errorf("got %v, want the eleventh run refused", err)
	}
	await(t, "the replays of the others", func() bool { return states(o)[fold.Open] == 1 })
	if err := o.Stop(runs[3], anna); err != nil {
		t.Fatal(err)
	}
	await(t, "a run to end", func() bool { return len(reading(o).Running) == 9 })
	if _, err := start(10); err != nil {
		t.Errorf("got %v, want the run to start after another has ended", err)
	}
}

func TestAWorkerOfAnotherVersionIsNamedAndItsStatusNotGuessed(t *testing.T) {
	c := newWorld(t, 1)
	serve := func(status string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, status)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	c.pages = []string{
		serve(`{"schema":"status.v1","version":"9.0.0","group":"shop","state":"dreaming","phase":"running","mood":{"good":true}}`),
		serve(`{"schema":"status.v2","version":"10.0.0","group":"shop","workers":[]}`),
		serve(`{"schema":"status.v1","version":"1.0.0","group":"billing"}`),
		serve(`<html>Not Found</html>`),
	}
	o := c.office()
	all := o.Workers(t.Context())
	if len(all.Workers) != 4 || all.Err != nil {
		t.Fatalf("got %+v, want four workers", all)
	}
	if w := all.Workers[0]; w.Err != nil || w.Status == nil || w.Status.Version != "9.0.0" || w.Status.State != "dreaming" {
		t.Errorf("got %+v, want what is known of the newer worker", w)
	}
	for i, want := range map[int]string{1: `"status.v2"`, 2: "billing", 3: "not a status"} {
		if w := all.Workers[i]; w.Status != nil || w.Err == nil || !strings.Contains(w.Err.Error(), want) {
			t.Errorf("got %+v, want no status, and %s named", w, want)
		}
	}
	pages, err := desk.New(desk.Settings{Source: o, Group: group})
	if err != nil {
		t.Fatal(err)
	}
	out := httptest.NewRecorder()
	pages.ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/workers", http.NoBody))
	for _, want := range []string{"dreaming", "9.0.0", "status.v2", "it belongs to group billing"} {
		if !strings.Contains(out.Body.String(), want) {
			t.Errorf("got a page without %q, want it there", want)
		}
	}
}

// A client that is slow on purpose must not keep its connection open.
func TestASlowClientIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := errors.New("no network in this test")
		cluster, err := broker.Open(broker.Options{
			Brokers: []string{"kafka:9092"}, Logger: slog.New(slog.DiscardHandler),
			Dial: func(context.Context, string, string) (net.Conn, error) { return nil, away },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer cluster.Close()
		o := office.New(office.Settings{
			Access: operator.Access{Group: group, Letters: letters, Cluster: cluster}, Log: slog.New(slog.DiscardHandler),
		})
		pages, err := desk.New(desk.Settings{Source: o, Group: group})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		listener := &pipes{accept: make(chan net.Conn), closed: make(chan struct{})}
		served := make(chan error, 1)
		go func() { served <- o.Serve(ctx, listener, pages) }()
		for what, sent := range map[string]string{
			"a header without an end": "GET /letters HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
			"a form without an end":   "POST /runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nreason=",
			"no bytes":                "",
		} {
			mine, theirs := net.Pipe()
			listener.accept <- theirs
			began := time.Now()
			if _, err := io.WriteString(mine, sent); err != nil {
				t.Fatal(err)
			}
			_ = mine.SetReadDeadline(began.Add(15 * time.Second))
			if _, err := io.Copy(io.Discard, mine); err != nil {
				t.Errorf("%s: got %v after %v, want the connection closed", what, err, time.Since(began))
			}
			_ = mine.Close()
		}
		stop()
		if err := <-served; err != nil {
			t.Errorf("got %v, want no error at the end", err)
		}
	})
}

// pipes is a listener whose connections come from a test.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, fmt.Errorf("accept: %w", net.ErrClosed)
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (*pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8090} }
