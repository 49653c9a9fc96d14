package worker_test

import (
	"net"
	"strings"
	"testing"
	"time"
)

func TestAWorkerThatCannotServeItsPagesStopsWithAnError(t *testing.T) {
	s := newScene(t)
	s.produce(0, `{"order_id":"4711","status":"paid"}`)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := s.open()
	defer w.Close()
	ended := make(chan error, 1)
	go func() { ended <- w.Serve(t.Context(), listener) }()
	s.addr = listener.Addr().String()
	s.shows("/metrics", "leadhit_sync_events_finished_total 1")

	_ = listener.Close()
	select {
	case err := <-ended:
		if err == nil || !strings.HasPrefix(err.Error(), "serve "+s.addr+": ") {
			t.Errorf("got %v, want the reason why %s is not served", err, s.addr)
		}
	case <-time.After(time.Minute):
		t.Fatal("the worker continues without its pages")
	}
	if phase := w.Status().Phase; phase != "stopped" {
		t.Errorf("got the phase %q, want the worker to have left its group", phase)
	}
}
