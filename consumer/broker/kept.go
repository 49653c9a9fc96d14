package broker

import (
	"log/slog"
	"sync"
)

// kept reads what may be replaced at any time, for each connection anew, and keeps what was last good: a file that is
// missing for a moment, or a certificate whose key is written a second later, costs no connection.
type kept[T any] struct {
	what string // for people: what it is, and which settings name it
	read func() (T, error)
	log  *slog.Logger

	mu     sync.Mutex
	good   T
	known  bool // good was read once
	broken bool // and could not be read the last time, which is told
}

// load returns what can be read now, or else what could be read last.
func (k *kept[T]) load() (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	fresh, err := k.read()
	switch {
	case err == nil:
		if k.broken {
			k.log.Info("a file of the connection to Kafka can be used again", slog.String("what", k.what))
		}
		k.good, k.known, k.broken = fresh, true, false
	case !k.known:
		return fresh, err
	case !k.broken:
		k.broken = true
		k.log.Warn("a file of the connection to Kafka cannot be used; its previous content stays in use; fix the file",
			slog.String("what", k.what), slog.Any("error", err))
	}
	return k.good, nil
}
