package credentials

import (
	"log/slog"
	"sync"
)

// Kept is the last good content of files that may be replaced at any time. A file that is missing for a moment does no
// harm, and neither does a certificate whose key is written a second later. A Kept is safe for concurrent use.
type Kept[T any] struct {
	settings string
	log      *slog.Logger

	mu     sync.Mutex
	read   func() (T, error) // one call at a time
	good   T
	broken bool // the last read failed, which was logged
}

// Keep reads the files for the first time, and returns an error if that fails. settings lists, for the log, the
// environment variables that contain the files' paths.
func Keep[T any](settings string, log *slog.Logger, read func() (T, error)) (*Kept[T], error) {
	good, err := read()
	if err != nil {
		return nil, err
	}
	return &Kept[T]{settings: settings, log: log, read: read, good: good}, nil
}

// Load rereads the files. While that fails, Load returns the last good content; it logs the first failure, and the
// first success after it.
func (k *Kept[T]) Load() T {
	k.mu.Lock()
	defer k.mu.Unlock()
	fresh, err := k.read()
	switch {
	case err == nil && k.broken:
		k.log.Info("the file can be used again", slog.String("setting", k.settings))
	case err != nil && !k.broken:
		k.log.Warn("the file cannot be used; its previous content stays in use; fix the file",
			slog.String("setting", k.settings), slog.Any("error", err))
	}
	if k.broken = err != nil; !k.broken {
		k.good = fresh
	}
	return k.good
}
