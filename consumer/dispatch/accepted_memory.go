package dispatch

import (
	"crypto/sha256"
	"encoding/binary"

	"leadhit-sync/consumer/event"
)

// ordersRemembered is the number of orders whose last accepted status a worker knows: about 80 bytes each.
const ordersRemembered = 100_000

// digest names an order or a statement in 16 bytes. Order ids come from outside, so the hash is one for which nobody
// can find two texts with the same sum.
type digest [16]byte

func digestOf(text []byte) digest {
	sum := sha256.Sum256(text)
	return digest(sum[:len(digest{})])
}

// statement is the digest of a status and of where it was said: only events of one partition with one key have the same
// owner at all times. Events of an order with several keys may lie in partitions of other workers, whose calls are
// unknown here.
func statement(p event.Partition, key uint64, status string) digest {
	text := make([]byte, 0, 128)
	text = append(append(text, p.Topic...), 0) // no topic's name has a zero byte
	text = binary.BigEndian.AppendUint64(text, uint64(p.Number))
	text = binary.BigEndian.AppendUint64(text, key)
	return digestOf(append(text, status...))
}

// acceptedMemory knows which status LeadHit accepted last for an order, for as many orders as its limit says. The least
// recently used order makes place for a new one. It holds no pointers, so the garbage collector does not visit its
// entries.
type acceptedMemory struct {
	limit   int
	places  map[digest]int32 // in entries, by order
	entries []acceptedStatus // the first is none: it links the newest with the oldest
}

// acceptedStatus is one order in the memory, in a ring by last use.
type acceptedStatus struct {
	order, said  digest
	known        bool // false: the order was called since
	newer, older int32
}

func newAcceptedMemory(limit int) acceptedMemory {
	return acceptedMemory{limit: limit, places: map[digest]int32{}, entries: make([]acceptedStatus, 1)}
}

// has reports whether a statement is the last one about the order that LeadHit accepted. If so, the order is the most
// recently used one from now on.
func (m *acceptedMemory) has(order, said digest) bool {
	at := m.places[order]
	if e := &m.entries[at]; !e.known || e.said != said {
		return false
	}
	m.unlink(at)
	m.link(at)
	return true
}

// put notes an accepted statement.
func (m *acceptedMemory) put(order, said digest) {
	at, ok := m.places[order]
	switch {
	case ok:
		m.unlink(at)
	case len(m.entries) <= m.limit:
		at = int32(len(m.entries))
		m.entries = append(m.entries, acceptedStatus{})
	default:
		at = m.entries[0].newer // the oldest
		m.unlink(at)
		delete(m.places, m.entries[at].order)
	}
	m.places[order] = at
	m.entries[at] = acceptedStatus{order: order, said: said, known: true}
	m.link(at)
}

// forget drops the statement about an order.
func (m *acceptedMemory) forget(order digest) {
	if at, ok := m.places[order]; ok {
		m.entries[at].known = false
	}
}

// size is the number of orders.
func (m *acceptedMemory) size() int { return len(m.places) }

// clear drops all orders.
func (m *acceptedMemory) clear() {
	if len(m.places) > 0 {
		clear(m.places)
		m.entries = append(m.entries[:0], acceptedStatus{})
	}
}

// link makes an entry the newest.
func (m *acceptedMemory) link(at int32) {
	last := m.entries[0].older
	m.entries[at].newer, m.entries[at].older = 0, last
	m.entries[last].newer, m.entries[0].older = at, at
}

func (m *acceptedMemory) unlink(at int32) {
	e := m.entries[at]
	m.entries[e.newer].older, m.entries[e.older].newer = e.older, e.newer
}
