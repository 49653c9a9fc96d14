// Package browser opens pages in headless Chromium and reports what is wrong with them. It reports console messages,
// uncaught exceptions, and violations of the content security policy. It also reports the accessibility problems that
// axe-core finds.
//
//	chromium := browser.Start(t)
//	tab, err := browser.Open(chromium, browser.View{Width: 390, Dark: true, Language: "ru"})
//	err = tab.Do(chromedp.Navigate(url), chromedp.Click(chromedp.CSS("button")))
//	problems, err := tab.Problems()
//
// Ownership: when the test that called Start ends, Chromium ends with all its tabs, and its profile is removed.
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Start starts Chromium with an empty profile, and ends it when the test ends. The context is chromedp's handle for the
// browser. Without Chromium the test is skipped, or fails if CI is true.
func Start(tb testing.TB) (chromium context.Context) {
	tb.Helper()
	path := find()
	switch {
	case path == "" && os.Getenv("CI") == "true":
		tb.Fatal("CI=true requires this test, but no chromium is on the PATH: install the Debian package chromium")
	case path == "":
		tb.Skip("SKIPPED: no chromium is on the PATH: install the Debian package chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path),
		// This makes text look the same on every machine.
		chromedp.Flag("font-render-hinting", "none"))
	allocator, end := chromedp.NewExecAllocator(tb.Context(), options...)
	chromium, leave := chromedp.NewContext(allocator)
	tb.Cleanup(func() {
		leave()
		end() // waits for the process
	})
	if err := chromedp.Do(chromium); err != nil {
		tb.Fatalf("start %s: %v", path, err)
	}
	return chromium
}

func find() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// View describes the browser in which a person sees a page. The zero value is a wide, light window in English. A narrow
// window behaves like a phone.
type View struct {
	Width, Height int64
	Dark          bool
	Language      string            // as in Accept-Language
	NoScript      bool              // scripts are switched off
	Headers       map[string]string // what a proxy adds to each request
}

const (
	width  = 1280
	height = 900
	// phone is the width below which a tab behaves like a phone.
	phone = 600
)

// Open opens an empty tab with its own cookies. The tab stays open until Close, or until Chromium ends.
func Open(chromium context.Context, v View) (*Tab, error) {
	ctx, leave := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	t := &Tab{ctx: ctx, leave: leave}
	if err := t.open(v); err != nil {
		leave()
		return nil, fmt.Errorf("open a tab: %w", err)
	}
	return t, nil
}

func (t *Tab) open(v View) error {
	if v.Width == 0 {
		v.Width = width
	}
	if v.Height == 0 {
		v.Height = height
	}
	scheme := "light"
	if v.Dark {
		scheme = "dark"
	}
	device := []chromedp.EmulateViewportOption{chromedp.EmulatePortrait}
	if v.Width < phone {
		device = append(device, chromedp.EmulateMobile)
	}
	if err := chromedp.Do(t.ctx, chromedp.EmulateViewport(v.Width, v.Height, device...),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme},
			{Name: "prefers-reduced-motion", Value: "reduce"},
		}}),
		call(emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Moscow"}),
		call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.NoScript}),
	); err != nil {
		return err
	}
	if err := t.header(v); err != nil {
		return err
	}
	// Listen before audits are enabled, so that no violation is missed.
	if err := chromedp.Listen(t.ctx, t.notice); err != nil {
		return err
	}
	return chromedp.Do(t.ctx, call(audits.Enable, cdp.Empty{}))
}

// header sets the headers that are sent with each request.
func (t *Tab) header(v View) error {
	headers := network.Headers{}
	for name, value := range v.Headers {
		headers[name] = value
	}
	if v.Language != "" {
		headers["Accept-Language"] = v.Language
	}
	return chromedp.Do(t.ctx, call(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: headers}))
}

// call returns a DevTools command as an action.
func call[P any](command cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}
