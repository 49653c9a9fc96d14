package consumer

import (
	"log/slog"
	"time"

	"leadhit-sync/consumer/dispatch/snapshot"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/retry"
)

// pauseLog logs when calls pause and resume. Use it only within a turn.
type pauseLog struct {
	log     *slog.Logger
	last    snapshot.Pause // the last pause that was logged
	resumed ledger.Entry   // the ledger's last resume
}

// note logs a line when the reason for a pause changes, and when a pause ends.
func (p *pauseLog) note(is snapshot.Pause) {
	was := p.last
	if is.Kind == was.Kind {
		return
	}
	p.last = is
	facts := []any{slog.String("reason", is.Kind), slog.Time("since", is.Since)}
	if is.By != "" {
		facts = append(facts, slog.String("by", is.By), slog.String("why", is.Reason))
	}
	log := p.log.With(facts...)
	switch is.Kind {
	case "":
		p.logResumed(was)
	case retry.Unauthorised.String():
		log.Error("calls paused: LeadHit rejects the API key; probing every 30 s; calls resume automatically; " +
			"check the account at LeadHit, and the key in LEADHIT_API_KEY_FILE, which is read again when it changes")
	case retry.Misconfigured.String():
		log.Error("calls paused: the server at LEADHIT_URL responds, but does not know set_order_status; " +
			"probing every 30 s; calls resume once it does; run leadhit-sync check and correct LEADHIT_URL")
	case retry.Outage:
		log.Warn("calls paused: LeadHit is down; probing at least every 30 s; calls resume automatically")
	case ledger.ByHand:
		log.Warn("calls paused by hand for all workers of the group, until somebody runs leadhit-sync resume")
	case ledger.Flood:
		log.Error("calls paused by the flood guard for all workers of the group: too many dead letters, " +
			"which points to a bad deploy rather than to bad orders; " +
			"run leadhit-sync letters list, and fix the mapping or whatever caused the letters; then run leadhit-sync " +
			"resume; without a fix, letters like these do not pause the calls again until another mapping or version is " +
			"deployed")
	default:
		log.Warn("calls paused")
	}
}

// logResumed logs the end of a pause. For a pause of the whole group, the log line names who ended the pause. Other
// pauses end automatically.
func (p *pauseLog) logResumed(was snapshot.Pause) {
	// The start of the pause comes from the clock of the operator's machine, which may be ahead of ours.
	lasted := max(0, time.Since(was.Since).Round(time.Millisecond))
	log := p.log.With(slog.String("reason", was.Kind), slog.Duration("paused_for", lasted))
	if was.Kind == ledger.ByHand || was.Kind == ledger.Flood {
		log = log.With(slog.String("by", p.resumed.By), slog.String("why", p.resumed.Reason))
	}
	log.Info("calls resumed")
}
