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
	// stuck reader must not keep the worker from ending, because everything is committed by then.
	logFlush = 5 * time.Second
)

// logBuffer passes log lines to a reader that may be slow or stuck. Writing to it never blocks, because a full pipe
// must not stop the calls: if a container runtime falls behind, the pipe is full, and a plain write to stdout would
// block the goroutine that logs. The caller that creates a logBuffer must also call run, and wait until run returns.
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
// interrupt a write to a pipe that no process reads, so waiting longer would not help.
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

// write writes the lines. Before each line and at the end, it reports how many lines were dropped since the last
// report. Lines that are older than the dropped ones may follow the report, because they were still waiting.
func (b *logBuffer) write(ctx context.Context) {
	for line := range b.lines {
		b.logDropped(ctx)
		_, _ = b.out.Write(line) // there is nowhere to report an error
	}
	b.logDropped(ctx)
}

// logDropped logs how many lines were dropped since the last report, if any were.
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
	_ = b.note.Handle(ctx, r) // there is nowhere to report an error
}
