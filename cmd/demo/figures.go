package main

import (
	"fmt"
	"strings"
	"time"
)

// spark draws the last values as bars of eight heights, one per column. The lowest bar stands for 0.
func spark(values []float64, columns int) string {
	// The highest bar stands for the largest value shown, so the row stays readable whatever the rate is.
	bars := []rune("▁▂▃▄▅▆▇█")
	values = values[max(0, len(values)-max(columns, 0)):]
	most := 0.0
	for _, v := range values {
		most = max(most, v)
	}
	var out strings.Builder
	for _, v := range values {
		height := 0
		if v > 0 {
			// At least 1, so that a small value does not look like 0.
			height = 1 + min(int(v/most*float64(len(bars)-1)), len(bars)-2)
		}
		out.WriteRune(bars[height])
	}
	return out.String()
}

// clock formats a time since the start in the form 1:05. Hours appear only in a demo that is longer than one hour, so
// that the head of a frame stays short.
func clock(d time.Duration) string {
	s := int(max(d, 0) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// seconds formats a short time in the form 3.1 s.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", max(d, 0).Seconds()) }
