package terminal

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// silence is how long a command waits without a response before its notice appears.
const silence = 2 * time.Second

// Notice prints what a command is waiting for, once, if no response arrives for two seconds. Its methods may be called
// from any goroutine. Nothing is written after Stop.
type Notice struct {
	mu    sync.Mutex
	out   io.Writer
	text  string
	timer *time.Timer
	done  bool
}

// StartNotice starts the wait. The caller must call Stop.
func StartNotice(out io.Writer, text string) *Notice {
	n := &Notice{out: out, text: text}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.timer = time.AfterFunc(silence, n.write)
	return n
}

func (n *Notice) write() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.done {
		n.done = true
		_, _ = fmt.Fprintln(n.out, n.text) // a lost notice does no harm
	}
}

// Answered restarts the wait of two seconds.
func (n *Notice) Answered() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.done {
		n.timer.Reset(silence)
	}
}

// Stop ends the wait.
func (n *Notice) Stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.done = true
	n.timer.Stop()
}
