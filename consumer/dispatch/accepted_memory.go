package dispatch

import (
	"crypto/sha256"
	"encoding/binary"

	"leadhit-sync/deadletter/ledger/fold"
)

// ordersRemembered is the maximum number of orders whose last accepted status a worker remembers. Each takes about 120
// bytes.
const ordersRemembered = 100_000

// digest is a hash of 16 bytes. Order ids come from outside, so the hash must be collision-resistant.
type digest [16]byte

func digestOf(text []byte) digest {
	sum := sha256.Sum256(text)
	return digest(sum[:len(digest{})])
}

// statement is what an event says about an order, as hashes.
type statement struct {
	order digest
	// says is the digest of the partition, the record key and the status.
	says digest
	// key is a hash of the record key and the partition's number. Normally, all statements about one order have the
	// same key, and statements about different orders have different keys. Exceptions show that the record key is not
	// the order id, or that producers use different partitioners; either way, an order's events may have several
	// owners. This hash alone does not prove a repeat.
	key uint64
}

func statementOf(t task) statement {
	text := make([]byte, 0, 256)                  // a longer text costs an allocation
	text = append(append(text, t.of.Topic...), 0) // no topic's name has a zero byte
	text = binary.BigEndian.AppendUint64(text, uint64(t.of.Number))
	text = append(binary.BigEndian.AppendUint64(text, uint64(len(t.key))), t.key...)
	text = append(text, t.item().Status...)
	return statement{digestOf([]byte(t.item().OrderID)), digestOf(text), fold.KeyHash(t.key) + uint64(t.of.Number)}
}

// acceptedMemory holds, for up to limit orders, the status that LeadHit accepted last. A new order replaces the least
// recently used one. The memory holds no pointers, so the garbage collector does not visit its entries.
type acceptedMemory struct {
	limit   int
	places  map[digest]int32 // indices into entries, by order
	keys    map[uint64]int32 // indices into entries, by key
	entries []acceptedStatus // the first holds no order: it links the newest with the oldest
}

// acceptedStatus is one order in the memory. The entries form a ring in the order of their last use.
type acceptedStatus struct {
	statement
	known        bool // false if LeadHit may have applied another status since
	newer, older int32
}

func newAcceptedMemory(limit int) acceptedMemory {
	return acceptedMemory{
		limit: limit, places: map[digest]int32{}, keys: map[uint64]int32{}, entries: make([]acceptedStatus, 1),
	}
}

// has reports whether a statement is the last one about its order that LeadHit accepted. If so, the order becomes the
// most recently used one.
func (m *acceptedMemory) has(s statement) bool {
	at := m.places[s.order]
	if e := &m.entries[at]; !e.known || e.statement != s {
		return false
	}
	m.unlink(at)
	m.link(at)
	return true
}

// put records an accepted statement; known says whether the statement may prove a repeat. oneKeyEach reports whether,
// as far as the memory knows, the order has had only the statement's key, and the key has belonged only to this order.
func (m *acceptedMemory) put(s statement, known bool) (oneKeyEach bool) {
	at, ok := m.places[s.order]
	other, used := m.keys[s.key]
	oneKeyEach = ok == used && at == other
	switch {
	case ok:
		m.unlink(at)
	case len(m.entries) <= m.limit:
		at = int32(len(m.entries))
		m.entries = append(m.entries, acceptedStatus{})
	default:
		at = m.entries[0].newer // the least recently used order
		m.unlink(at)
		delete(m.places, m.entries[at].order)
		delete(m.keys, m.entries[at].key)
	}
	if !ok || !oneKeyEach { // otherwise both maps have the entry
		m.places[s.order], m.keys[s.key] = at, at
	}
	m.entries[at] = acceptedStatus{statement: s, known: known}
	m.link(at)
	return oneKeyEach
}

// forget makes the status of an order unknown. The entry stays, with its key.
func (m *acceptedMemory) forget(order digest) {
	if at, ok := m.places[order]; ok {
		m.entries[at].known = false
	}
}

// size returns the number of orders.
func (m *acceptedMemory) size() int { return len(m.places) }

// clear drops all orders.
func (m *acceptedMemory) clear() {
	if len(m.places) > 0 {
		clear(m.places)
		clear(m.keys)
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
