package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/scan"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/ledger/guard"
	"leadhit-sync/deadletter/operator/members"
)

// Pausing is the result of a pause or a resume: what was in force before, and what was done.
type Pausing struct {
	Ledger string // the topic
	// Followers are the workers that will follow the entry, as far as the group shows them.
	Followers members.Followers
	// Before holds the pauses that were in force before the entry. If the entry is a resume, it has ended them.
	Before []ledger.Entry
	// Written is false for a resume without a pause in force, which writes nothing.
	Written bool
}

// Pause writes a pause or a resume. It reads the pauses and the members first, so the result shows what was in force
// before. Unless create is set, it refuses an entry that no worker would follow, because that entry would look like a
// success but change nothing.
func (a Access) Pause(ctx context.Context, says ledger.Entry, create bool) (Pausing, error) {
	p := Pausing{Ledger: ledger.Topic(a.Letters)}
	read, err := a.readPauses(ctx, p.Ledger)
	if err != nil {
		return p, err
	}
	p.Before = read.pauses
	a.answered()
	p.Followers = members.Count(ctx, a.Cluster, a.Group)
	a.answered()
	// No other group uses the default name unless it is configured to, so an existing topic with that name is enough
	// proof that the group exists.
	own := p.Ledger == ledger.Topic("dlq."+a.Group)
	known := p.Followers.Workers > 0 || read.exists &&
		(own || read.named || p.Followers.Exists || p.Followers.Unknown != nil)
	if !known && !create {
		verb := strings.TrimPrefix(string(says.Event), "guard.")
		return p, absentError(p.Followers, p.Ledger, read.exists, verb)
	}
	// A pause is written even if there is one already, because an operator may be ending that one right now.
	if says.Event == ledger.GuardResume && len(p.Before) == 0 {
		return p, nil
	}
	ctx, cancel := context.WithTimeout(ctx, appendLimit)
	defer cancel()
	says.Group = a.Group
	if err := a.WriteEntry(ctx, says); err != nil {
		return p, err
	}
	p.Written = true
	return p, nil
}

// ledgerRead is what a command learns from the ledger. The content of the ledger proves that the group exists only if
// an entry names the group, because several groups may share one ledger.
type ledgerRead struct {
	exists bool
	named  bool           // it has an entry that names the group
	pauses []ledger.Entry // of the group, in force
}

// readPauses reads the ledger as the group's workers do. It creates nothing. The whole ledger is read, because only its
// order says which pauses a resume has ended. It also reads records in open transactions, which must not hide a pause.
// It skips records that cannot be parsed, because one of them must not prevent every pause and resume.
func (a Access) readPauses(ctx context.Context, topic string) (read ledgerRead, err error) {
	var pauses guard.Guard
	records := scan.Records(ctx, a.Cluster, scan.Range{
		Topic: topic, Uncommitted: true,
		Progress: func(int64, int64) { a.answered() },
	})
	for r, err := range records {
		if errors.Is(err, kafkaerr.ErrUnknownPartition) {
			return ledgerRead{}, nil
		}
		if err != nil {
			return ledgerRead{}, err
		}
		if e, err := ledger.Parse(r.Value); err == nil && e.For(a.Group) {
			read.named = read.named || e.Group == a.Group
			pauses.Follow(e)
		}
	}
	read.exists, read.pauses = true, pauses.Pauses()
	return read, nil
}

// absentError returns the error for an entry that no worker would follow. The error says whether the ledger exists,
// and names both settings, since either may be misspelt. Nothing was written, and the exit code is 1.
func absentError(f members.Followers, topic string, exists bool, verb string) error {
	if exists {
		topic = "nothing in the ledger " + topic
	} else {
		topic = "no ledger (" + topic + ")"
	}
	running := "no running worker"
	if f.Unknown != nil {
		running = "no visible members"
	}
	return fmt.Errorf("group %s has %s and %s, so nobody would %s; nothing was written; check KAFKA_GROUP and "+
		"DEAD_LETTER_TOPIC",
		f.Group, running, topic, verb)
}
