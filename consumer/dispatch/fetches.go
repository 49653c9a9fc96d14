package dispatch

import (
	"time"

	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/consumer/event"
)

func (d *Dispatcher) startFetches() {
	if d.draining || d.fenced {
		return
	}
	for _, p := range d.order {
		if p.window.fetching || p.commits.suspended {
			continue
		}
		share := d.config.WindowBytes / int64(len(d.order))
		// A fetch takes less than the whole share. Otherwise an event that stays unfinished would stop all fetches.
		bytes := min(int64(d.config.FetchBytes), share-share/4)
		full := d.windowFull(p, bytes, share)
		if d.rests(p, full); full {
			continue
		}
		p.window.fetching = true
		d.lastID++
		p.window.fetchID = d.lastID // unique, even among the fetches of ended generations
		d.out.Fetches = append(d.out.Fetches, turn.Fetch{
			Partition: p.Partition, Offset: p.window.position, Bytes: int(bytes), ID: p.window.fetchID,
		})
	}
}

// windowFull reports whether too much of a partition is unfinished to fetch more of it.
func (d *Dispatcher) windowFull(p *partition, bytes, share int64) bool {
	if p.space.none || p.window.unfinished >= d.config.WindowEvents {
		return true
	}
	return p.window.unfinished > 0 && p.window.bytes+bytes > share
}

// Fetched records the outcome of a fetch: the events from its offset on, and the next offset to fetch, which may lie
// beyond the last event.
func (d *Dispatcher) Fetched(now time.Time, f turn.Fetch, events []turn.Event, next int64) {
	p := d.partitions[f.Partition]
	if p == nil || p.window.fetchID != f.ID || !p.window.fetching {
		return
	}
	p.window.fetching = false
	for _, in := range events {
		if in.Offset >= p.window.position {
			d.arrive(p, in)
		}
	}
	if next > p.window.position {
		p.window.position = next
		p.passHoles(next)
	}
	d.recheck = d.recheck || len(d.deferred) > 0 // another event may be the window's first now
	d.touch(now, p)
}

func (d *Dispatcher) arrive(p *partition, in turn.Event) {
	e := p.place(in)
	if e == nil {
		d.observed.passed++
		return
	}
	if e.open == 0 {
		d.observed.finished++
		p.unlink(e)
		return
	}
	p.window.add(e)
	for i := range e.items {
		if it := &e.items[i]; it.Action == event.Refuse {
			it.state = storing
			d.refused = append(d.refused, task{e, i})
			d.knows(task{e, i})
		}
	}
	if e.sending > 0 {
		d.enqueue(e)
	}
}
