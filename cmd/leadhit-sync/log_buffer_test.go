package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// buffered runs a buffer in front of out. end stops the buffer as the run command does, and returns when run has ended.
func buffered(t *testing.T, out io.Writer, format string) (b *logBuffer, end func()) {
	t.Helper()
	b = newLogBuffer(out, format)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.run(ctx)
	}()
	return b, func() {
		cancel()
		<-ended
	}
}

func TestALogWithoutAReaderBlocksNoWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe() // a pipe that is full from the start
		b, end := buffered(t, writer, "json")
		begun := time.Now()
		for i := range logLines + 100 {
			if n, err := fmt.Fprintf(b, "line %d\n", i); err != nil || n == 0 {
				t.Fatalf("got %d, %v, want every line taken", n, err)
			}
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("writing took %v, want no wait", took)
		}
		end()
		if took := time.Since(begun); took != logFlush {
			t.Errorf("got an end after %v, want the reader abandoned after %v", took, logFlush)
		}
		_ = reader.Close()
		synctest.Wait()
	})
}

func TestASlowReaderGetsAllWaitingLinesAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe()
		b, end := buffered(t, writer, "json")
		for range 1000 {
			_, _ = b.Write([]byte("line\n"))
		}
		var read bytes.Buffer
		all := make(chan struct{})
		go func() {
			defer close(all)
			for line := make([]byte, 5); ; {
				n, err := io.ReadFull(reader, line)
				read.Write(line[:n])
				if err != nil {
					return
				}
				time.Sleep(4 * time.Millisecond) // 4 s for all lines: a limit of one second was too short
			}
		}()
		end()
		_ = writer.Close()
		<-all
		if got := strings.Count(read.String(), "line\n"); got != 1000 {
			t.Errorf("got %d lines, want all 1000", got)
		}
	})
}

func TestDroppedLinesAreCountedInTheFormatOfTheLog(t *testing.T) {
	for format, pattern := range map[string]string{
		"json": `^\{"time":"[^"]+","level":"WARN","msg":"log lines dropped: the reader of the log is too slow","lines":(\d+)\}\n$`,
		"text": `^time=\S+ level=WARN msg="log lines dropped: the reader of the log is too slow" lines=(\d+)\n$`,
	} {
		synctest.Test(t, func(t *testing.T) {
			reader, writer := io.Pipe()
			b, end := buffered(t, writer, format)
			_, _ = b.Write([]byte("line\n"))
			synctest.Wait() // now the buffer waits for the reader, and reports no dropped lines until all are written
			for range logLines + 99 {
				_, _ = b.Write([]byte("line\n"))
			}
			var read bytes.Buffer
			go func() { _, _ = io.Copy(&read, reader) }()
			end()
			_ = writer.Close()
			synctest.Wait()
			found := regexp.MustCompile(pattern).FindStringSubmatch(strings.ReplaceAll(read.String(), "line\n", ""))
			lines := strings.Count(read.String(), "line\n")
			if want := strconv.Itoa(logLines + 100 - lines); found == nil || found[1] != want {
				t.Errorf("%s: got %d lines and %q, want one line in this format about the other %s", format, lines, found, want)
			}
		})
	}
}

func TestTheLogIsCompleteAfterFlush(t *testing.T) {
	var out bytes.Buffer
	b, end := buffered(t, &out, "json")
	for i := range 100 {
		_, _ = fmt.Fprintf(b, "line %d\n", i)
	}
	end()
	_, _ = b.Write([]byte("too late\n"))
	if got := strings.Count(out.String(), "\n"); got != 100 || strings.Contains(out.String(), "too late") {
		t.Errorf("got %d lines, want the 100 written before", got)
	}
}
