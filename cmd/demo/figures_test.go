package main

import (
	"fmt"
	"testing"
	"time"
)

func Example_spark() {
	fmt.Println(spark([]float64{0, 1, 30, 60, 60, 200, 120, 0}, 8))
	fmt.Println(spark([]float64{0, 1, 30, 60, 60, 200, 120, 0}, 3))
	// Output:
	// ▁▂▃▄▄█▆▁
	// █▆▁
}

func TestSpark(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		values  []float64
		columns int
		want    string
	}{
		"nothing yet":                     {nil, 10, ""},
		"only zeros":                      {[]float64{0, 0, 0}, 10, "▁▁▁"},
		"the largest value is a full bar": {[]float64{7}, 10, "█"},
		"a small value is not a zero":     {[]float64{0.001, 1000}, 10, "▂█"},
		"only the last ones shown":        {[]float64{9000, 0, 5}, 2, "▁█"},
		"no columns":                      {[]float64{1}, 0, ""},
		"a negative width":                {[]float64{1}, -3, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := spark(c.values, c.columns); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0:00", 9900 * time.Millisecond: "0:09", 75 * time.Second: "1:15", time.Hour +
			61*time.Second: "1:01:01",
	} {
		if got := clock(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
