package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

func TestALogThatNobodyReadsHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe() // a pipe that is full from the start
		b := newLogBuffer(writer)
		for i := range logLines + 100 {
			if n, err := fmt.Fprintf(b, "line %d\n", i); err != nil || n == 0 {
				t.Fatalf("got %d, %v, want every line taken", n, err)
			}
		}
		b.close() // gives up after a second
		_ = reader.Close()
		synctest.Wait()
	})
}

func TestLinesThatFoundNoRoomAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe()
		b := newLogBuffer(writer)
		for range logLines + 100 {
			_, _ = b.Write([]byte("line\n"))
		}
		var read bytes.Buffer
		go func() { _, _ = io.Copy(&read, reader) }()
		b.close()
		_ = writer.Close()
		synctest.Wait()
		got := read.String()
		if lines := strings.Count(got, "line\n"); !strings.Contains(got, "log lines dropped") || lines < logLines-1 {
			t.Errorf("got %d lines and no count of those dropped: %.200s", lines, got)
		}
	})
}

func TestTheLogIsWholeAfterClose(t *testing.T) {
	var out bytes.Buffer
	b := newLogBuffer(&out)
	for i := range 100 {
		_, _ = fmt.Fprintf(b, "line %d\n", i)
	}
	b.close()
	_, _ = b.Write([]byte("too late\n"))
	if got := strings.Count(out.String(), "\n"); got != 100 || strings.Contains(out.String(), "too late") {
		t.Errorf("got %d lines, want the 100 written before", got)
	}
}
