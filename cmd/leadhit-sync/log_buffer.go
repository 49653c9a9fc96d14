package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// logLines is how many lines wait for a reader that does not read. More are dropped and counted.
	logLines = 4096
	// logFlush bounds the wait for that reader at the end. One that lives takes what waits in far less; one that is stuck takes
	// nothing more, and the worker's end must not depend on it: all is committed by then.
	logFlush = 5 * time.Second
)

// logBuffer hands the log's lines to a slow or stuck reader without ever holding up those who write them: a full pipe must
// not stop the calls. Who makes one runs it, and waits for run's end.
type logBuffer struct {
	out   io.Writer
	note  slog.Handler // of what the buffer itself has to say
	lines chan []byte

	mu      sync.Mutex
	closed  bool
	dropped int
}

// newLogBuffer returns a buffer before out. Its own lines have the format of the others.
func newLogBuffer(out io.Writer, format string) *logBuffer {
	return &logBuffer{out: out, note: handler(out, format, nil), lines: make(chan []byte, logLines)}
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

// run writes until ctx ends, and then what still waits, for logFlush at most. What is written to the buffer later is dropped.
// Where the reader is stuck at the end, one goroutine stays behind in its write: only the end of the process frees it.
func (b *logBuffer) run(ctx context.Context) {
	written := make(chan struct{})
	go func() {
		defer close(written)
		b.write(context.WithoutCancel(ctx))
	}()
	<-ctx.Done()
	b.mu.Lock()
	b.closed = true
	close(b.lines)
	b.mu.Unlock()
	limit := time.NewTimer(logFlush)
	defer limit.Stop()
	select {
	case <-written:
	case <-limit.C:
	}
}

func (b *logBuffer) write(ctx context.Context) {
	for line := range b.lines {
		b.tellDropped(ctx)
		_, _ = b.out.Write(line) // who does not read does not get it
	}
	b.tellDropped(ctx)
}

// tellDropped says how many lines are missing here, if any are.
func (b *logBuffer) tellDropped(ctx context.Context) {
	b.mu.Lock()
	dropped := b.dropped
	b.dropped = 0
	b.mu.Unlock()
	if dropped == 0 {
		return
	}
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines dropped: nobody read them in time", 0)
	r.AddAttrs(slog.Int("lines", dropped))
	_ = b.note.Handle(ctx, r) // as above
}
