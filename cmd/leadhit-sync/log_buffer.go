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
	// logLines is how many lines may wait for a slow reader. Further lines are dropped and counted. At the usual few
	// hundred bytes per line, that is about a megabyte, a small part of any memory limit.
	logLines = 4096
	// logFlush limits the wait for a slow reader when the worker ends. A working reader takes all lines much faster. A
	// stuck one must not keep the worker from ending; everything is committed by then.
	logFlush = 5 * time.Second
)

// logBuffer passes log lines to a reader that may be slow or stuck. Writing to it never blocks, because a full pipe
// must not stop the calls. The caller that creates it also calls run, and waits until run returns. A container runtime
// that falls behind leaves the pipe full, and a plain write to stdout would then block the goroutine that logs.
type logBuffer struct {
	out   io.Writer
	note  slog.Handler // for the buffer's own lines
	lines chan []byte

	mu      sync.Mutex
	closed  bool
	dropped int
}

// newLogBuffer returns a buffer that writes to out. The buffer's own lines are in the given format.
func newLogBuffer(out io.Writer, format string) *logBuffer {
	return &logBuffer{out: out, note: handler(out, format, nil), lines: make(chan []byte, logLines)}
}

// Write takes one line. It never blocks and never fails. slog reuses the bytes after the call, so Write copies them.
// The lock makes sure that no line is sent after run has closed the channel, which would panic.
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

// run writes lines until ctx ends, then the lines that are still waiting, for at most logFlush. Later lines are
// dropped. If the reader is stuck, one goroutine stays blocked in its write until the process ends. Nothing can
// interrupt a write to a pipe that nobody reads, so waiting longer would not help.
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

// write reports dropped lines before the next line that gets through, which is where they are missing.
func (b *logBuffer) write(ctx context.Context) {
	for line := range b.lines {
		b.logDropped(ctx)
		_, _ = b.out.Write(line) // nobody is left to report an error to
	}
	b.logDropped(ctx)
}

// logDropped logs how many lines are missing at this place, if any are. It is called before each line, so the gap is
// reported where it is, and not at the end.
func (b *logBuffer) logDropped(ctx context.Context) {
	b.mu.Lock()
	dropped := b.dropped
	b.dropped = 0
	b.mu.Unlock()
	if dropped == 0 {
		return
	}
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines dropped: the reader of the log is too slow", 0)
	r.AddAttrs(slog.Int("lines", dropped))
	_ = b.note.Handle(ctx, r) // nobody is left to report an error to
}
