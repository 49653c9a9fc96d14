package integration_test

import (
	"net/http"
	"sync/atomic"
)

// door is the endpoint through which one worker reaches LeadHit.
type door struct {
	to    http.Handler
	calls atomic.Int64 // since the worker's process was started
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		d.calls.Add(1)
	}
	d.to.ServeHTTP(w, r)
}
