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
)

// statusEvery is how often -w asks.
const statusEvery = 2 * time.Second

// watchStatus shows the status again and again until a person ends it. On a terminal each look takes the place of the last and fits
// the screen; elsewhere each is whole. show prints a look for a screen.
func watchStatus(ctx context.Context, w io.Writer, output string, show func(ctx context.Context, w io.Writer, on screen) error) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ticker := time.NewTicker(statusEvery)
	defer ticker.Stop()
	for {
		columns, rows, onScreen := terminalSize(w)
		onScreen = onScreen && output != "json"
		var on screen
		if onScreen {
			on = screen{columns: max(columns, statusWidth), lines: max(rows-1, 1)} // the cursor ends up in the last one
		}
		var look strings.Builder
		// A worker that did not answer is on the screen, and may answer the next time.
		err := show(ctx, &look, on)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !errors.Is(err, errUnreached) {
			fmt.Fprintf(&look, "%v\n", err)
		}
		text := look.String()
		switch {
		case onScreen:
			text = frame(text, columns, on.lines)
		case output != "json":
			text = "\n" + text
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// frame draws a look over the last one. Each line overwrites the old one and only then clears its rest, so nothing flickers; lines
// are cut, not wrapped, so that the screen does not scroll.
func frame(look string, columns, lines int) string {
	const home, noWrap, wrap, clearLine, clearBelow = "\x1b[H", "\x1b[?7l", "\x1b[?7h", "\x1b[K", "\x1b[J"
	var out strings.Builder
	out.WriteString(home + noWrap)
	shown := strings.Split(strings.TrimSuffix(look, "\n"), "\n")
	for _, line := range shown[:min(len(shown), lines)] {
		out.WriteString(clip(line, columns) + clearLine + "\r\n")
	}
	out.WriteString(clearBelow + wrap)
	return out.String()
}
