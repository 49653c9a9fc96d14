package main

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// logLines is how many lines wait for a reader that does not read. More are dropped and counted.
	logLines = 4096
	// logClose bounds the wait for that reader at the end.
	logClose = time.Second
)

// logBuffer hands the log's lines to a slow or stuck reader without ever holding up those who write them: a full pipe must
// not stop the calls. One goroutine writes; close ends it.
type logBuffer struct {
	out   io.Writer
	lines chan []byte
	done  chan struct{}

	mu      sync.Mutex
	closed  bool
	dropped int
}

func newLogBuffer(out io.Writer) *logBuffer {
	b := &logBuffer{out: out, lines: make(chan []byte, logLines), done: make(chan struct{})}
	go b.write()
	return b
}

// Write takes one line. It never waits and never fails.
func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return len(line), nil
	}
	select {
	case b.lines <- bytes.Clone(line):
	default:
		b.dropped++
	}
	return len(line), nil
}

func (b *logBuffer) write() {
	defer close(b.done)
	for line := range b.lines {
		b.mu.Lock()
		dropped := b.dropped
		b.dropped = 0
		b.mu.Unlock()
		if dropped > 0 {
			_, _ = fmt.Fprintf(b.out, `{"level":"WARN","msg":"log lines dropped: nobody read them in time","lines":%d}`+"\n", dropped)
		}
		_, _ = b.out.Write(line) // who does not read does not get it
	}
}

// close waits for what was written, for as long as a reader that lives needs.
func (b *logBuffer) close() {
	b.mu.Lock()
	b.closed = true
	close(b.lines)
	b.mu.Unlock()
	select {
	case <-b.done:
	case <-time.After(logClose):
	}
}
