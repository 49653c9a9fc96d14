// Package desk_test opens every page of the desk in Chromium: wide and narrow, light and dark, in English and in
// Russian, with and without the page's script. The backend comes from desktest. What people do at the desk of a real
// worker is tested in package integration.
package desk_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/desk/desktest"
	"leadhit-sync/integration/browser"
)

// page is one page of a story. An address that ends with "…" stands for the first link with that prefix on the page
// that was open previously.
type page struct {
	story, name, address string
	// picture specifies which pictures are kept.
	picture picture
}

// refused returns the HTTP status of a page, or "" for 200.
func (p page) refused() string {
	switch p.name {
	case "no such page", "no such order":
		return "404"
	case "Kafka is away, a plan":
		return "502"
	default:
		return ""
	}
}

// picture specifies which pictures of a page are kept: none, one picture of a state, or both a light and a dark one.
type picture int

const (
	none picture = iota
	state
	both
)

func pages() []page {
	return []page{
		{"busy", "letters", "/letters", both},
		{"busy", "letter", "/letters/…", both},
		{"busy", "no letter matches", "/letters?cause=Nope", state},
		{"busy", "a filter with a mistake", "/letters?since=yesterday&cause=HTTP+422", state},
		{"busy", "plan", "/plan", both},
		{"busy", "dismiss", "/dismiss?cause=InvalidOrder", state},
		{"busy", "runs", "/runs", none},
		{"busy", "run", "/runs/…", both},
		{"busy", "orders", "/orders", none},
		{"busy", "order", "/orders?id=4712&since=30d", both},
		{"busy", "workers", "/workers", both},
		{"busy", "no such order", "/orders?id=none", state},
		{"busy", "no such page", "/nothing", none},
		{"outage", "workers in an outage", "/workers", state},
		{"paused", "workers paused by hand", "/workers", state},
		{"flood", "workers paused by a flood", "/workers", state},
		{"versions", "workers of other versions", "/workers", state},
		{"idle", "no workers", "/workers", state},
		{"few", "few letters", "/letters", none},
		{"empty", "no letter ever", "/letters", state},
		{"empty", "no runs", "/runs", state},
		{"resolved", "no open letter", "/letters", state},
		{"many", "300 causes", "/letters", state},
		{"many", "all of 300 causes", "/letters?causes=all", none},
		{"many", "a worker with every problem", "/workers", none},
		{"huge", "200,000 letters", "/letters", state},
		{"huge", "a later page of 200,000 letters", "/letters?page=400&state=all", none},
		{"huge", "a plan of 200,000 letters", "/plan", none},
		{"broken", "Kafka is away", "/letters", state},
		{"broken", "Kafka is away, a letter", "/letters/…", state},
		{"broken", "Kafka is away, a plan", "/plan", none},
		{"broken", "no worker responds", "/workers", state},
		{"ledger", "the ledger cannot be read", "/letters", state},
		{"ledger", "the ledger cannot be read, workers", "/workers", none},
		{"unread", "Kafka was never read", "/letters", state},
	}
}

// views returns the views in which each page is opened. The same code draws a page in English and in Russian, wide and
// narrow, so not every combination is tried.
func views() map[string]browser.View {
	all := map[string]browser.View{
		"wide and light":                   {},
		"narrow, dark, in Russian":         {Width: 390, Height: 844, Dark: true, Language: "ru"},
		"in Russian, without page scripts": {Language: "ru", NoScript: true},
	}
	if updating() {
		all = map[string]browser.View{"light": {}, "dark": {Dark: true}}
	}
	return all
}

// TestPages requires that neither the browser nor axe-core reports a problem with a page, and that the page fits the
// window. With UPDATE_SCREENSHOTS=1 it stores the README's pictures.
func TestPages(t *testing.T) {
	t.Parallel()
	chromium := browser.Start(t)
	stories := map[string]string{}
	for _, p := range pages() {
		if stories[p.story] == "" {
			stories[p.story] = serve(t, p.story)
		}
	}
	for name, v := range views() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tab, err := browser.Open(chromium, v)
			if err != nil {
				t.Fatal(err)
			}
			defer tab.Close()
			for _, p := range pages() {
				t.Run(p.name, func(t *testing.T) {
					look(t, tab, v, stories[p.story], p)
					photograph(t, tab, v, p)
				})
			}
		})
	}
}

// serve serves a story to a user who is allowed to make changes.
func serve(t *testing.T, story string) (url string) {
	t.Helper()
	backend := desktest.Story(story)
	handler, err := desk.New(backend.Settings(desk.Access{Write: true, Everybody: "alice@example.com"}))
	if err != nil {
		t.Fatal(err)
	}
	return listen(t, handler)
}

func listen(t *testing.T, handler http.Handler) (url string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// look opens the page and checks it.
func look(t *testing.T, tab *browser.Tab, v browser.View, url string, p page) {
	t.Helper()
	if start, unfinished := strings.CutSuffix(p.address, "…"); unfinished {
		p.address = first(t, tab, start)
	}
	if err := tab.Do(chromedp.Navigate(url + p.address)); err != nil {
		t.Fatal(err)
	}
	wide, err := tab.Overflow()
	problems, perr := tab.Problems()
	var findings []browser.Finding
	var aerr error
	// An audit of 300 causes is slow, and finds nothing that an audit of the first 20 does not.
	if !v.NoScript && !updating() && p.name != "all of 300 causes" {
		findings, aerr = tab.Audit()
	}
	if err := errors.Join(err, perr, aerr); err != nil {
		t.Fatal(err)
	}
	if len(wide) > 0 {
		t.Errorf("got a page that scrolls sideways because of %q", wide)
	}
	for _, problem := range problems {
		// The browser itself logs a problem for a page with an error status.
		if p.refused() == "" || !strings.Contains(problem, "status of "+p.refused()) {
			t.Errorf("got %s, want nothing on the console", problem)
		}
	}
	for _, f := range findings {
		t.Error(f)
	}
}

// first returns the page's first href that starts with start.
func first(t *testing.T, tab *browser.Tab, start string) string {
	t.Helper()
	html, err := browser.Read(tab, chromedp.OuterHTML(chromedp.CSS("main")))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`href="(` + regexp.QuoteMeta(start) + `[^"]+)"`).FindStringSubmatch(html)
	if found == nil {
		t.Fatalf("got no link to %s… in %s", start, html)
	}
	return found[1]
}
