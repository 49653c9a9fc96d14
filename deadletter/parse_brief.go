package deadletter

import (
	"strconv"

	"leadhit-sync/consumer/event"
)

// ParseBrief reads only a letter's item, order id, key and replay count, and the place of its event. A reader of many
// letters needs no more, and Parse would cost it several times as much. ParseBrief returns false for a record that is
// not one of the group's letters in our form, such as a letter that Kafka Connect wrote.
func ParseBrief(r event.Record, group string) (Letter, bool) {
	l := Letter{Record: event.Record{Key: r.Key}, Item: NoItem, Group: group}
	var id, order, version, count, by []byte
	ours := false
	for _, h := range r.Headers {
		switch h.Key {
		case headerID:
			id = h.Value
		case headerOrderID:
			order = h.Value
		case headerSchema:
			version = h.Value
		case headerReplayCount:
			count = h.Value
		case connectName:
			by = h.Value
		case headerFailedAt:
			ours = true
		}
	}
	if !ours || string(by) != group || string(version) != strconv.Itoa(schema) || parseID(string(id), &l) != nil {
		return Letter{}, false
	}
	n, err := strconv.Atoi(string(count))
	if err != nil {
		return Letter{}, false
	}
	l.OrderID, l.ReplayCount = unquoteIfOdd(string(order)), n
	return l, true
}
