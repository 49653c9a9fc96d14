package browser_test

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"leadhit-sync/integration/browser"
)

// page is a page without mistakes. Tests add mistakes to it.
const page = `<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, minimum-scale=1">
<title>A page</title><link rel="icon" href="data:,">
<style nonce="n">body {color: #222; background: #fff} @media (prefers-color-scheme: dark) {body {color: #eee; background: #111}}</style>
<main><h1>Letters</h1><p>%s</p><p>%s</p><p>%s</p>%s</main></html>`

// mistakes lists what is added to the page, and what must be reported: a part of a problem's text, or a finding's id.
var mistakes = []struct{ added, problem, finding string }{
	{added: `<script nonce="n">console.error("it broke")</script>`, problem: "it broke"},
	{added: `<script nonce="n">nothing.here</script>`, problem: "ReferenceError"},
	{added: `<script>document.title = "hacked"</script>`, problem: "inline script"},
	{added: `<p onclick="x()">text</p>`, problem: "inline event handler"},
	{added: `<p style="color: red">text</p>`, problem: "inline style"},
	{added: `<img alt="" src="http://127.0.0.1:1/x.png">`, problem: "127.0.0.1:1/x.png"},
	{added: `<img alt="" src="data:,x"><script nonce="n">fetch("/absent")</script>`, problem: "/absent"},
	{added: `<form><input type="text"></form>`, finding: "label"},
	{added: `<p><font color="#ccc">hard to read</font></p>`, finding: "color-contrast"},
	{added: `<button></button>`, finding: "button-name"},
}

// serve serves the page with the given text added to it. The page shows the language and the user of the request.
func serve(t *testing.T, added string) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; script-src 'nonce-n'; style-src 'nonce-n'; img-src data:; connect-src 'self'")
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		_, _ = fmt.Fprintf(w, page, r.Header.Get("Accept-Language"), r.Header.Get("X-User"),
			html.EscapeString(r.FormValue("reason")), added)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// TestBrowser checks what the desk's tests rely on: mistakes in a page are found, and a page is shown in the view
// (width, language, …) that a test requests.
func TestBrowser(t *testing.T) {
	chromium := browser.Start(t)
	t.Run("a page without a mistake", func(t *testing.T) {
		if problems, findings := faults(t, chromium, ""); len(problems)+len(findings) > 0 {
			t.Errorf("got %q and %q, want none", problems, findings)
		}
	})
	t.Run("mistakes", func(t *testing.T) {
		var added strings.Builder
		for _, m := range mistakes {
			added.WriteString(m.added)
		}
		problems, findings := faults(t, chromium, added.String())
		for _, m := range mistakes {
			if !strings.Contains(strings.Join(problems, "\n"), m.problem) {
				t.Errorf("got %q, want %s in it", problems, m.problem)
			}
			if !slices.ContainsFunc(findings, func(f browser.Finding) bool { return m.finding == "" || f.ID == m.finding }) {
				t.Errorf("got %q, want %s in it", findings, m.finding)
			}
		}
	})
	t.Run("views", func(t *testing.T) { views(t, chromium) })
	t.Run("hands", func(t *testing.T) { hands(t, chromium) })
}

// faults opens the page and returns what is wrong with it.
func faults(t *testing.T, chromium context.Context, added string) ([]string, []browser.Finding) {
	t.Helper()
	tab := open(t, chromium, browser.View{}, added)
	findings, err := tab.Audit()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := tab.Problems()
	if err != nil {
		t.Fatal(err)
	}
	return problems, findings
}

func open(t *testing.T, chromium context.Context, v browser.View, added string) *browser.Tab {
	t.Helper()
	tab, err := browser.Open(chromium, v)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Close)
	if err := tab.Do(chromedp.Navigate(serve(t, added))); err != nil {
		t.Fatal(err)
	}
	return tab
}

func views(t *testing.T, chromium context.Context) {
	t.Helper()
	const script = `<script nonce="n">document.querySelector("h1").textContent = innerWidth</script>`
	for want, v := range map[string]browser.View{
		"1280 en-US,en;q=0.9   rgb(255, 255, 255)": {},
		"390 ru anna  rgb(17, 17, 17)": {
			Width: 390, Dark: true, Language: "ru", Headers: map[string]string{"X-User": "anna"},
		},
		"Letters en-US,en;q=0.9   rgb(255, 255, 255)": {NoScript: true},
	} {
		tab := open(t, chromium, v, script)
		got, err := browser.Read(tab, chromedp.Evaluate[string](`[...document.querySelectorAll("h1, p")]
			.map(e => e.textContent).join(" ") + " " + getComputedStyle(document.body).backgroundColor`))
		if err != nil || got != want {
			t.Errorf("got %q and %v, want %q", got, err, want)
		}
	}
}

// hands fills in a form with mouse and keyboard, with and without scripts.
func hands(t *testing.T, chromium context.Context) {
	t.Helper()
	const form = `<form><label>Reason <input name="reason" value="old"></label> <button>Dismiss</button></form>
<p hidden>Nobody sees this</p><pre>0123456789012345678901234567890123456789012345678901234567890123456789</pre>`
	for _, v := range []browser.View{{Width: 390}, {NoScript: true, Width: 390}} {
		tab := open(t, chromium, v, form)
		err := errors.Join(tab.Fill("Reason", "это наш тест"), tab.Click("Dismiss"), tab.See("это наш тест"),
			tab.Press(kb.Tab), tab.Type("new"), tab.Press(kb.Tab))
		focus, ferr := tab.Focused()
		if err := errors.Join(err, ferr); err != nil || focus != (browser.Focus{Name: "Dismiss", Ring: true}) {
			t.Errorf("got %+v and %v, want the button", focus, err)
		}
		wide, oerr := tab.Overflow()
		page, terr := tab.Text()
		if err := errors.Join(oerr, terr, tab.Press(kb.Enter), tab.See("new")); err != nil ||
			!strings.HasPrefix(strings.Join(wide, " "), "pre") || strings.Contains(page, "Nobody") {
			t.Errorf("got %q as too wide, the text %q and %v; want only the line of digits as too wide", wide, page, err)
		}
	}
}

// TestAxeCoreIsThePublishedFile compares the hash of axe-core with sri-history.json in the npm package.
func TestAxeCoreIsThePublishedFile(t *testing.T) {
	t.Parallel()
	file, err := os.Open("axe-core/axe.min.js.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	script, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, script); err != nil {
		t.Fatal(err)
	}
	const want = "KTSJmUUM3yhJqOcLeRL8LahahJ2jnA0NU5T1HUqe2Vw="
	if got := base64.StdEncoding.EncodeToString(hash.Sum(nil)); got != want {
		t.Errorf("got hash %s, want %s", got, want)
	}
}
