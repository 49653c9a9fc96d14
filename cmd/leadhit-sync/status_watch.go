package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"leadhit-sync/cmd/terminal"
)

// statusEvery is the interval at which -w refreshes the output. A person sees a change at once, and one request per
// interval costs a worker or broker little.
const statusEvery = 2 * time.Second

// watchStatus refreshes the status until a person ends the command. On a terminal each status fits the screen and
// replaces the previous one; elsewhere each is printed in full. show prints the status once, for a screen. Ctrl-C ends
// the command with exit code 0, even if a worker did not respond, because the person has seen that.
func watchStatus(ctx context.Context, w io.Writer, output outputForm,
	show func(ctx context.Context, w io.Writer, on screen) error,
) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ticker := time.NewTicker(statusEvery)
	defer ticker.Stop()
	frames := terminal.Screen{Out: w, Size: func() (columns, rows int) { return terminal.Size(w) }}
	for {
		var on screen
		if columns, rows := terminal.Size(w); columns > 0 && output != "json" {
			on = screen{columns: columns, lines: max(rows-1, 1)} // the cursor needs the last row
		}
		// A frame is built before it is drawn, so the old one stays while a worker is slow to respond.
		var look strings.Builder
		// The output shows which worker did not respond, and that worker may respond the next time.
		err := show(ctx, &look, on)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !errors.Is(err, errUnreached) {
			fmt.Fprintf(&look, "%v\n", err)
		}
		if err := showLook(w, look.String(), output, on, &frames); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// showLook shows the status after one refresh. In a file, a blank line precedes each status, except in JSON, where each
// status is one value.
func showLook(w io.Writer, look string, output outputForm, on screen, frames *terminal.Screen) error {
	if on.columns > 0 {
		lines := strings.Split(strings.TrimSuffix(look, "\n"), "\n")
		for i := range lines {
			lines[i] = on.cut(lines[i])
		}
		frames.Draw(lines)
		return nil
	}
	if output != "json" {
		look = "\n" + look
	}
	_, err := io.WriteString(w, look)
	return err
}
