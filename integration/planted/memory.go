package main

import (
	"encoding/json"
	"strings"
	"sync"

	"github.com/segmentio/kafka-go"
)

// memory holds the status that LeadHit accepted last for each order.
type memory struct {
	mu       sync.Mutex
	statuses map[string]string
}

// memory returns what a partition's new owner remembers: nothing, unless remembering is the planted fault.
func (w *worker) memory() *memory {
	if w.planted == "skip-after-rebalance" {
		return &w.remembered
	}
	return &memory{statuses: make(map[string]string)}
}

// repeats reports whether the event needs no call.
func (p *position) repeats(m kafka.Message) bool {
	var e event
	if !strings.HasPrefix(p.planted, "skip") || json.Unmarshal(m.Value, &e) != nil {
		return false
	}
	p.memory.mu.Lock()
	defer p.memory.mu.Unlock()
	return e.Status != "" && p.memory.statuses[e.Order] == e.Status
}

// remember records the outcome of a call: the cause of a letter, or "" if LeadHit accepted the event.
func (p *position) remember(m kafka.Message, cause string) {
	var e event
	if json.Unmarshal(m.Value, &e) != nil {
		return
	}
	p.memory.mu.Lock()
	defer p.memory.mu.Unlock()
	switch {
	case cause == "":
		p.memory.statuses[e.Order] = e.Status
	case p.planted != "skip-after-refusal":
		delete(p.memory.statuses, e.Order)
	}
}
