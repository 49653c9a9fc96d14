package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// following is a command that runs until it is stopped.
type following struct {
	t     *testing.T
	stop  context.CancelFunc
	lines chan string // the output, read immediately, so that the command never waits
	said  strings.Builder
	code  chan int
}

// followed starts a command. If the command is still running when the test ends, it is stopped.
func followed(t *testing.T, args ...string) *following {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	f := &following{t: t, stop: stop, lines: make(chan string, 10_000), code: make(chan int, 1)}
	var done sync.WaitGroup
	done.Go(func() {
		code := execute(ctx, args, streams{in: strings.NewReader(""), out: writer, err: io.Discard})
		_ = writer.Close()
		f.code <- code
	})
	done.Go(func() {
		defer close(f.lines)
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			f.lines <- lines.Text()
		}
	})
	t.Cleanup(func() {
		stop()
		done.Wait()
	})
	return f
}

// until reads the output up to a line that contains text.
func (f *following) until(text string) {
	f.t.Helper()
	for line := range f.lines {
		f.said.WriteString(line + "\n")
		if strings.Contains(line, text) {
			return
		}
	}
	f.t.Fatalf("got\n%s\nand the end, want a line with %q", f.said.String(), text)
}

// end stops the command, and returns the exit code and the output.
func (f *following) end() (code int, said string) {
	f.stop()
	for line := range f.lines {
		f.said.WriteString(line + "\n")
	}
	return <-f.code, f.said.String()
}

func produce(t *testing.T, brokers []string, r *kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
		t.Fatal(err)
	}
}
