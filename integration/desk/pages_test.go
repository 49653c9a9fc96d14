// Package desk_test looks at every page of the desk in Chromium: wide and narrow, light and dark, in English and in
// Russian, with the page's script and without. The backend is that of desktest. What people do at the desk of a real
// worker is tested in package integration.
package desk_test

import (
	"errors"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/desk/desktest"
	"leadhit-sync/integration/browser"
)

// page is one page of a story. An address that ends with "…" is the first one on the page before it that begins so.
type page struct {
	story, name, address string
	// Picture says that the README shows the page.
	picture bool
}

func pages() []page {
	return []page{
		{"busy", "letters", "/letters", true},
		{"busy", "letter", "/letters/…", true},
		{"busy", "no letter matches", "/letters?cause=Nope", false},
		{"busy", "plan", "/plan", true},
		{"busy", "dismiss", "/dismiss?cause=InvalidOrder", false},
		{"busy", "runs", "/runs", false},
		{"busy", "run", "/runs/…", true},
		{"busy", "orders", "/orders", false},
		{"busy", "order", "/orders?id=4712&since=30d", true},
		{"busy", "workers", "/workers", true},
		{"busy", "no such order", "/orders?id=none", false},
		{"busy", "no such page", "/nothing", false},
		{"outage", "workers in an outage", "/workers", false},
		{"paused", "workers paused by hand", "/workers", false},
		{"flood", "workers paused by a flood", "/workers", false},
		{"idle", "no workers", "/workers", false},
		{"few", "few letters", "/letters", false},
		{"empty", "no letter ever", "/letters", false},
		{"empty", "no runs", "/runs", false},
		{"resolved", "no open letter", "/letters", false},
		{"many", "300 causes", "/letters", false},
		{"broken", "Kafka is away", "/letters", false},
		{"broken", "Kafka is away, a letter", "/letters/…", false},
		{"broken", "no worker responds", "/workers", false},
		{"unread", "Kafka was never read", "/letters", false},
	}
}

// views are how the pages are looked at. A page is drawn by the same code in English and in Russian, on a wide screen and
// on a narrow one, so that not every combination is tried.
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

// TestPages demands of each page that the browser has nothing to complain about, that people with a keyboard or a
// screen reader can use it, and that it fits the window. With UPDATE_SCREENSHOTS=1 it stores the README's pictures.
func TestPages(t *testing.T) {
	chromium, stop, err := browser.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	stories := map[string]string{}
	for _, p := range pages() {
		if stories[p.story] == "" {
			stories[p.story] = serve(t, p.story)
		}
	}
	for name, v := range views() {
		t.Run(name, func(t *testing.T) {
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

// serve serves a story to a person who may write.
func serve(t *testing.T, story string) (url string) {
	t.Helper()
	backend := desktest.Story(story)
	handler, err := desk.New(desk.Settings{
		Source: backend, Writer: backend, Group: desktest.Group,
		Access: desk.Access{Write: true, Everybody: "alice@example.com"},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// look opens the page and judges it.
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
	if !v.NoScript && !updating() {
		findings, aerr = tab.Audit()
	}
	if err := errors.Join(err, perr, aerr); err != nil {
		t.Fatal(err)
	}
	if len(wide) > 0 {
		t.Errorf("got a page that scrolls sideways because of %q", wide)
	}
	for _, problem := range problems {
		// The browser itself says so of a page that is not there.
		if !strings.HasPrefix(p.name, "no such") || !strings.Contains(problem, "404") {
			t.Errorf("got %s, want nothing on the console", problem)
		}
	}
	for _, f := range findings {
		t.Error(f)
	}
}

// first returns the first address on the page that begins with this.
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
