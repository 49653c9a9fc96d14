package sandbox

// OrderCalls returns the calls of one order, in order of arrival.
func (l *callLog) OrderCalls(order string) []Call {
	var calls []Call
	l.each(func(c *Call) {
		if c.OrderID == order {
			calls = append(calls, *c)
		}
	})
	return calls
}

// Statuses returns the status in each order's last executed call. It omits orders without an executed call.
func (l *callLog) Statuses() map[string]string {
	statuses := make(map[string]string)
	l.each(func(c *Call) {
		if c.Executed {
			statuses[c.OrderID] = c.Status
		}
	})
	return statuses
}
