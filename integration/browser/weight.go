package browser

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

// Weight is what a tab holds in memory after a garbage collection.
type Weight struct {
	Nodes, Listeners int
	Heap             int // bytes that the scripts use
}

// Weight measures what the tab holds in memory.
func (t *Tab) Weight() (w Weight, err error) {
	// Some objects are found to be garbage only when others are gone.
	for range 2 {
		if err := t.Do(call(heapprofiler.CollectGarbage, cdp.Empty{})); err != nil {
			return w, err
		}
	}
	if err := t.Do(call(performance.Enable, performance.EnableParams{})); err != nil {
		return w, err
	}
	all, err := Read(t, func(ctx context.Context, to *chromedp.Target) (performance.GetMetricsResult, error) {
		return cdp.Call(ctx, to, performance.GetMetrics, cdp.Empty{})
	})
	for _, m := range all.Metrics {
		switch n := int(m.Value); m.Name {
		case "Nodes":
			w.Nodes = n
		case "JSEventListeners":
			w.Listeners = n
		case "JSHeapUsedSize":
			w.Heap = n
		}
	}
	return w, err
}
