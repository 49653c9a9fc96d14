package program

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// Line waits for a line in the program's JSON log with the given message, on stdout or stderr, and returns its
// attributes. suits selects lines by their attributes; nil accepts all. If the program ends without such a line, the
// error contains the last output.
func (p *Program) Line(
	ctx context.Context, message string, suits func(attributes map[string]any) bool,
) (map[string]any, error) {
	for {
		ended := p.Ended() // checked first, so that the last lines are not missed
		for _, line := range p.lines() {
			if line["msg"] == message && (suits == nil || suits(line)) {
				return line, nil
			}
		}
		if ended {
			return nil, fmt.Errorf("log line %q: the program ended without it: %s", message, p.tail())
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("log line %q: %w; the program said: %s", message, context.Cause(ctx), p.tail())
		case <-time.After(pause):
		}
	}
}

// Ended reports whether the process has ended.
func (p *Program) Ended() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// lines returns the JSON lines of the output so far.
func (p *Program) lines() []map[string]any {
	var lines []map[string]any
	for text := range strings.SplitSeq(p.Stdout()+"\n"+p.Stderr(), "\n") {
		var line map[string]any
		if json.Unmarshal([]byte(text), &line) == nil {
			lines = append(lines, line)
		}
	}
	return lines
}

// Stdout returns the program's output so far.
func (p *Program) Stdout() string { return read(p.stdout) }

// Stderr returns the program's error output so far.
func (p *Program) Stderr() string { return read(p.stderr) }

func read(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error() // so that a failed test shows it
	}
	return string(text)
}

// tail returns the last lines of the output, for an error message.
func (p *Program) tail() []byte {
	const lines = 10
	all := bytes.Split(bytes.TrimSpace([]byte(p.Stdout()+p.Stderr())), []byte("\n"))
	return bytes.Join(all[max(0, len(all)-lines):], []byte("\n"))
}
