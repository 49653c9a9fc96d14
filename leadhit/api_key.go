package leadhit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"leadhit-sync/config/credentials"
)

// Key is the API key. Its value goes into the header of calls and nowhere else; no way of printing a Key shows it.
type Key struct {
	file  *credentials.Kept[string] // nil for a fixed key
	value atomic.Pointer[string]
}

// OpenKey reads the key from a file, ignoring white space around it. The file must not be empty or too long for a
// header, and the key must be printable ASCII without spaces. The error does not quote the content. log gets a line
// when the file can no longer be read, and when it can be read again.
func OpenKey(file string, log *slog.Logger) (*Key, error) {
	kept, err := credentials.Keep("LEADHIT_API_KEY_FILE", log, func() (string, error) { return readKey(file) })
	if err != nil {
		return nil, err
	}
	k := &Key{file: kept}
	k.reload()
	return k, nil
}

// FixedKey returns a key that never changes. White space around the value is ignored. [Open] refuses a value that no
// header can carry.
func FixedKey(value string) *Key {
	k := new(Key)
	value = strings.TrimSpace(value)
	k.value.Store(&value)
	return k
}

// Watch rereads the file at every interval until ctx ends, and then returns nil. It calls changed after each change, on
// the goroutine that called Watch. While the file cannot be read, the old key stays in use.
//
// It compares content, not timestamps, because reading the file costs no more than looking up its timestamp, two writes
// within one tick of the file system's clock stay distinct, and the symbolic links that Kubernetes swaps need no
// special case.
func (k *Key) Watch(ctx context.Context, every time.Duration, changed func()) error {
	if every <= 0 {
		return fmt.Errorf("watch API key: interval %v is not positive", every)
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if k.reload() {
			changed()
		}
	}
}

// reload rereads the file and reports whether the key has changed. Only one goroutine may call it.
func (k *Key) reload() (changed bool) {
	if k.file == nil {
		return false
	}
	value := k.file.Load()
	if value == *k.load() {
		return false
	}
	k.value.Store(&value)
	return true
}

// String returns ***. Other ways of printing a Key cannot reach the value, because it is behind a pointer.
func (k *Key) String() string { return hidden }

// load returns the current value. Each new value has a pointer of its own, which identifies it.
func (k *Key) load() *string {
	if value := k.value.Load(); value != nil {
		return value
	}
	return new(string)
}

func readKey(name string) (string, error) {
	text, err := credentials.Read(name)
	if err != nil {
		return "", fmt.Errorf("read API key: %w", err)
	}
	value := strings.TrimSpace(string(text))
	if err := checkKey(value); err != nil {
		return "", fmt.Errorf("API key in %s: %w", name, err)
	}
	return value, nil
}

// checkKey accepts what an HTTP header carries unchanged. It refuses spaces, because they come from careless copying.
// The LEADHIT_API_KEY setting refuses them too.
func checkKey(value string) error {
	if value == "" {
		return errors.New("empty")
	}
	if len(value) > maxKey {
		return fmt.Errorf("longer than %d bytes", maxKey)
	}
	if strings.HasPrefix(value, byteOrderMark) {
		return errors.New("not ASCII at byte 0: a byte order mark; save the file without one")
	}
	for i := range len(value) {
		switch c := value[i]; {
		case c == '\r', c == '\n':
			return fmt.Errorf("line break at byte %d: the key must be a single line", i)
		case c == ' ':
			return fmt.Errorf("space at byte %d", i)
		case c < ' ', c == 0x7f:
			return fmt.Errorf("control character at byte %d", i)
		case c > 0x7f:
			return fmt.Errorf("not ASCII at byte %d", i)
		}
	}
	return nil
}
