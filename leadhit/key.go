package leadhit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Key is the API key. Its value goes into the header of calls and nowhere else: however a Key is printed, it is ***.
type Key struct {
	file  string // empty for a fixed key
	mu    sync.Mutex
	value atomic.Pointer[string]
}

// OpenKey reads the key from a file. White space around it does not matter; a file that is empty, too long for a header, or
// holds anything but printable ASCII is an error, which does not repeat what stands in it.
func OpenKey(file string) (*Key, error) {
	k := &Key{file: file}
	value, err := readKey(file)
	if err != nil {
		return nil, err
	}
	k.value.Store(&value)
	return k, nil
}

// FixedKey is a key that never changes. White space around the value does not matter; [Open] refuses one that no header can
// carry.
func FixedKey(value string) *Key {
	k := new(Key)
	value = strings.TrimSpace(value)
	k.value.Store(&value)
	return k
}

// Reload reads the file again and says whether the key has changed. After an error the old key stays. A fixed key never
// changes.
func (k *Key) Reload() (changed bool, err error) {
	if k.file == "" {
		return false, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	value, err := readKey(k.file)
	if err != nil {
		return false, err
	}
	if value == *k.load() {
		return false, nil
	}
	k.value.Store(&value)
	return true, nil
}

// Watch reads the file again at every interval until ctx ends, and returns nil then. It calls changed after each change, and
// failed once when the file becomes unreadable or empty, and anew only after it was good in between. Both are called on
// Watch's own goroutine.
//
// It compares content, not times: a key of few bytes is as cheap to read as its time stamp, two writes within one tick of
// the file system's clock are told apart, and the symbolic links that Kubernetes exchanges need no care.
func (k *Key) Watch(ctx context.Context, every time.Duration, changed func(), failed func(error)) error {
	if every <= 0 {
		return fmt.Errorf("watch api key: interval %v is not positive", every)
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	broken := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		news, err := k.Reload()
		if err != nil && !broken {
			failed(err)
		}
		if news {
			changed()
		}
		broken = err != nil
	}
}

// String returns ***.
func (k *Key) String() string { return hidden }

// GoString returns ***.
func (k *Key) GoString() string { return hidden }

// LogValue returns ***.
func (k *Key) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON returns "***".
func (k *Key) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// load returns the value; each change has a pointer of its own.
func (k *Key) load() *string {
	if value := k.value.Load(); value != nil {
		return value
	}
	return new(string)
}

func readKey(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("read api key: %w", err)
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, 2*maxKey))
	if err != nil {
		return "", fmt.Errorf("read api key: %w", err)
	}
	value := strings.TrimSpace(string(text))
	if err := checkKey(value); err != nil {
		return "", fmt.Errorf("api key in %s: %w", name, err)
	}
	return value, nil
}

// checkKey accepts what an HTTP header carries unchanged, but no space: it comes from a slip in copying. The setting
// LEADHIT_API_KEY takes none either.
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
			return fmt.Errorf("line break inside, at byte %d: it must be one line", i)
		case c == ' ':
			return fmt.Errorf("space inside, at byte %d", i)
		case c < ' ', c == 0x7f:
			return fmt.Errorf("control character at byte %d", i)
		case c > 0x7f:
			return fmt.Errorf("not ASCII at byte %d", i)
		}
	}
	return nil
}
