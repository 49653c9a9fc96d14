package worker

import (
	"time"

	"leadhit-sync/consumer"
	"leadhit-sync/consumer/dispatch/turn"
	"leadhit-sync/deadletter"
)

// letter builds the letter that is stored: the event as it was read, and who gave up on it, why and when.
func letter(l consumer.Letter, group, version string) deadletter.Letter {
	out := reason(l.Store)
	out.Record = l.Event.Record
	out.Item, out.Attempts = deadletter.NoItem, l.Attempts
	out.FailedAt, out.Group, out.Version = time.Now(), group, version
	out.ReplayCount, out.ReplayRun = l.Replay, l.Run
	if l.Several {
		out.Item = l.Item
	}
	return out
}

// reason returns the part of a letter that says why the letter was written.
func reason(s turn.Store) deadletter.Letter {
	out := deadletter.Letter{
		OrderID: s.Order, Status: s.Status, Stage: deadletter.StageCall, DecidedBy: s.By,
		Cause: s.Verdict.Cause, Message: s.Verdict.Message, Code: s.Verdict.Code,
	}
	if s.Mapping {
		out.Stage = deadletter.StageMapping
	}
	return out
}

// fingerprint returns the fingerprint of the letter that will be stored. The flood guard needs the fingerprint earlier,
// to decide whether a resume has accepted letters of this kind.
func fingerprint(s turn.Store) string { return reason(s).Fingerprint() }
