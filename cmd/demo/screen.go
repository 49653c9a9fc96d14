package main

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"leadhit-sync/cmd/terminal"
)

const (
	narrowest, lowest = 40, 16 // a smaller terminal gets plain lines
	widest            = 100
	// commandsHeight is the minimum height of a frame that shows how to use the commands.
	commandsHeight = 20
	labelWidth     = 10 // of the rows below the figures
	cellWidth      = 18 // of a figure with its name
	gap            = 2  // between figures
)

// screen is a painter that draws frames in place, on a terminal.
type screen struct {
	terminal.Screen

	ink ink
	log logLine // the last line that was shown
}

func (s *screen) manner() (int, ink) {
	width, _ := s.Size()
	return min(width, widest), s.ink
}

func (s *screen) finish(v view) { s.paint(v) }

// paint shows the last log line again if the view has no new line. Otherwise the row would flicker.
func (s *screen) paint(v view) {
	if len(v.log) == 0 && s.log.number > 0 {
		v.log = []logLine{s.log}
	}
	if len(v.log) > 0 {
		s.log = v.log[len(v.log)-1]
	}
	width, height := s.Size()
	width = min(width, widest)
	var lines []string
	for _, l := range frame(v, width, height-1) { // the cursor rests below the frame
		lines = append(lines, l.render(width-1, s.ink))
	}
	s.Draw(lines)
}

// frame lays out a view: a head, the figures, the story, the letters, and a foot. For a given width and height, all
// frames have the same number of lines, at most height. A part that grew with its content would make the rows below
// that part jump, and nobody could read them.
func frame(v view, width, height int) []line {
	inner := width - 2 // a blank column on each side
	lines := slices.Concat(head(v, inner), figures(v, inner), []line{nil, bars(v, inner), nil})
	foot := []line{logRow(v), deskRow(v), lookRow(v)}
	if height >= commandsHeight {
		foot = append(foot, commandRows(v)...)
	}
	room := height - len(lines) - len(foot) - 2 // two blank lines
	letterRows := min(max(room/3, 1), 4)
	storyRows := min(max(room-letterRows, 1), 12)
	lines = append(lines, storyPart(v, inner, storyRows)...)
	lines = append(lines, nil)
	lines = append(lines, letterPart(v, letterRows)...)
	lines = append(append(lines, nil), foot...)
	for i, l := range lines {
		lines[i] = append(line{{normal, " "}}, l...)
	}
	return lines[:min(len(lines), max(height, 1))]
}

func head(v view, width int) []line {
	right := clock(v.elapsed) + " · Ctrl-C ends"
	if v.length > 0 {
		right = clock(v.elapsed) + " of " + clock(v.length)
	}
	title := "leadhit-sync demo"
	space := strings.Repeat(" ", max(width-len(title)-terminal.Width(right), 1))
	colour, detail := dim, ""
	switch {
	case strings.HasPrefix(v.state, "paused"):
		colour, detail = yellow, " for "+seconds(v.since)
	case v.state == "running":
		colour = green
	}
	return []line{
		{{bold, title}, {dim, space + right}},
		{{colour, "● " + v.state}, {dim, detail}},
		{{dim, strings.Repeat("─", max(width, 0))}},
	}
}

// figures returns the grid of numbers, with up to four columns, as many as fit.
func figures(v view, width int) []line {
	cells := []struct{ name, value string }{
		{"events", strconv.Itoa(v.events)},
		{"calls", strconv.Itoa(v.calls)},
		{"in flight", fmt.Sprintf("%d of %d", v.inFlight, v.limit)},
		{"letters", strconv.Itoa(v.letters)},
		{"unfinished", strconv.Itoa(v.unfinished)},
		{"retries", strconv.Itoa(v.retries)},
		{"waiting", strconv.Itoa(v.waiting)},
		{"oldest", seconds(v.oldest)},
	}
	row := min(max((width+gap)/(cellWidth+gap), 1), 4)
	var lines []line
	for cells := range slices.Chunk(cells, row) {
		var l line
		for i, c := range cells {
			if i > 0 {
				l = append(l, span{normal, strings.Repeat(" ", gap)})
			}
			l = append(l, span{dim, c.name}, span{bold, fmt.Sprintf("%*s", cellWidth-len(c.name), c.value)})
		}
		lines = append(lines, l)
	}
	return lines
}

// bars returns the row that shows calls per second.
func bars(v view, width int) line {
	const number = 5
	room := width - labelWidth - number
	if room < 1 {
		return line{label("calls/s"), {bold, fmt.Sprintf("%.0f", v.perSecond)}}
	}
	return line{
		label("calls/s"),
		{cyan, terminal.Pad(spark(v.rates, room), room)},
		{bold, fmt.Sprintf("%*.0f", number, v.perSecond)},
	}
}

func label(name string) span { return span{dim, terminal.Pad(name, labelWidth)} }

// storyPart returns the rows for the latest lines of the story, and marks the last line as the current one.
func storyPart(v view, width, rows int) []line {
	var lines []line
	for i := len(v.beats) - 1; i >= 0 && len(lines) < rows; i-- {
		b := v.beats[i]
		mark, look := span{dim, "· "}, dim
		if i == len(v.beats)-1 {
			mark, look = span{cyan, "▸ "}, normal
		}
		at := fmt.Sprintf("%-6s", clock(b.at))
		texts := terminal.Hang("", b.text, max(width-labelWidth-len(at)-2, 8))
		told := make([]line, len(texts))
		for j, text := range texts {
			told[j] = line{label(""), {normal, "  " + strings.Repeat(" ", len(at))}, {look, text}}
			if j == 0 {
				told[j] = line{label(""), mark, {dim, at}, {look, text}}
			}
		}
		lines = append(told, lines...)
	}
	lines = lines[max(0, len(lines)-rows):]
	return titled("story", lines, rows)
}

// titled keeps the height of a part constant, so that the rows below it do not jump. It puts a label before the first
// line, and adds blank lines up to the number of rows.
func titled(name string, lines []line, rows int) []line {
	for len(lines) < rows {
		lines = append(lines, line{label("")})
	}
	lines[0][0] = label(name)
	return lines
}

// letterPart returns the rows for the last letters, the newest first.
func letterPart(v view, rows int) []line {
	var lines []line
	for _, l := range slices.Backward(v.lastLetters) {
		if len(lines) == rows {
			break
		}
		lines = append(lines, line{
			label(""),
			{normal, terminal.Pad(terminal.Escape(l.ID()), 14) + "  " + terminal.Pad(terminal.Escape(l.OrderID), 8) + "  "},
			{yellow, terminal.Pad(terminal.Escape(l.Status), 9)},
			{dim, "  " + terminal.Escape(l.Cause+": "+l.Message)},
		})
	}
	if len(lines) == 0 {
		lines = []line{{label(""), {dim, "none yet"}}}
	}
	return titled("letters", lines, rows)
}

// logRow returns the row for the last line of the worker's log.
func logRow(v view) line {
	if len(v.log) == 0 {
		return line{label("log")}
	}
	last := v.log[len(v.log)-1]
	colour := dim
	switch {
	case last.level >= slog.LevelError:
		colour = red
	case last.level >= slog.LevelWarn:
		colour = yellow
	}
	return line{
		label("log"),
		{dim, last.at.Format("15:04:05") + "  "},
		{colour, fmt.Sprintf("%-5s", last.level)},
		{dim, "  " + terminal.Escape(last.text)},
	}
}

// lookRow returns the row with the address of the worker's pages.
func lookRow(v view) line {
	return line{label("look at"), {normal, "http://" + v.address + "/readyz"}, {dim, "  /metrics  /status"}}
}

// deskRow returns the row with the address of the desk's pages.
func deskRow(v view) line {
	return line{label("desk"), {normal, "http://" + v.desk}, {dim, "  letters, replays, orders"}}
}

// commandRows returns the rows that show how to use the commands on the demo from another terminal.
func commandRows(v view) []line {
	return []line{
		{label("commands"), {normal, ". " + v.exports}},
		{label(""), {normal, tryCommand}, {dim, "  in another terminal"}},
	}
}
