package retry

import "time"

// meter counts what happened in the last second.
type meter struct {
	origin time.Time
	slot   int64     // the newest one, in tenths of a second since the origin
	counts [11]int64 // ten complete tenths and the current one
}

const tenth = 100 * time.Millisecond

// turnTo advances to the slot for now, and clears the slots that have begun since the newest one.
func (m *meter) turnTo(now time.Time) {
	if m.origin.IsZero() {
		m.origin = now
	}
	slot := int64(now.Sub(m.origin) / tenth)
	for n := min(slot-m.slot, int64(len(m.counts))); n > 0; n-- {
		m.counts[(slot-n+1)%int64(len(m.counts))] = 0
	}
	m.slot = max(m.slot, slot)
}

func (m *meter) add(now time.Time) {
	m.turnTo(now)
	m.counts[m.slot%int64(len(m.counts))]++
}

// perSecond returns the rate over the last 1.0 to 1.1 seconds.
func (m *meter) perSecond(now time.Time) float64 {
	m.turnTo(now)
	var sum int64
	for _, n := range m.counts {
		sum += n
	}
	current := now.Sub(m.origin) % tenth
	return float64(sum) / (time.Second + current).Seconds()
}
