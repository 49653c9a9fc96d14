package worker

import (
	"time"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/dispatch"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/deadletter"
)

func record(e *consumer.Event) mapping.Record {
	return mapping.Record{
		Topic: e.Topic, Partition: e.Partition, Offset: e.Offset, Time: e.Time, Key: e.Key, Value: e.Value,
		Headers: headers[mapping.Header](e),
	}
}

// headers converts an event's headers to another package's type of the same shape.
func headers[H ~struct {
	Key   string
	Value []byte
}](e *consumer.Event) []H {
	if len(e.Headers) == 0 {
		return nil
	}
	all := make([]H, len(e.Headers))
	for i, h := range e.Headers {
		all[i] = H{Key: h.Key, Value: h.Value}
	}
	return all
}

func items(outcomes []mapping.Outcome) []dispatch.Item {
	all := make([]dispatch.Item, len(outcomes))
	for i, o := range outcomes {
		all[i] = dispatch.Item{Order: o.OrderID, Status: o.Status, Cause: o.Cause, Message: o.Message, By: o.By}
		switch o.Action {
		case mapping.Call:
			all[i].Action = dispatch.Send
		case mapping.Ignore:
			all[i].Action = dispatch.Ignore
		case mapping.Refuse:
			all[i].Action = dispatch.Refuse
		}
	}
	return all
}

func letter(l consumer.Letter, group, version string) deadletter.Letter {
	out := reason(l.Store)
	out.Source = deadletter.Source{
		Topic: l.Topic, Partition: l.Number, Offset: l.Offset, Time: l.Event.Time,
		Key: l.Event.Key, Value: l.Event.Value, Headers: headers[deadletter.Header](l.Event),
	}
	out.Item, out.Attempts = deadletter.NoItem, l.Attempts
	out.FailedAt, out.Group, out.Version = time.Now(), group, version
	if l.Several {
		out.Item = l.Item
	}
	return out
}

// reason is the part of a letter that says why it is one.
func reason(s dispatch.Store) deadletter.Letter {
	out := deadletter.Letter{
		OrderID: s.Order, Status: s.Status, Stage: deadletter.StageCall, DecidedBy: s.By,
		Cause: s.Verdict.Cause, Message: s.Verdict.Message, Code: s.Verdict.Code,
	}
	if s.Mapping {
		out.Stage = deadletter.StageMapping
	}
	return out
}

// fingerprint is that of the letter that will be stored.
func fingerprint(s dispatch.Store) string { return reason(s).Fingerprint() }
