package desk_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"leadhit-sync/consumer/event"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/desk/desktest"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/view"
)

// opened returns a desk with the fake's letters.
func opened(t *testing.T, f *desktest.Fake, a desk.Access) http.Handler {
	t.Helper()
	h, err := desk.New(f.Settings(a))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// everybody returns an Access that lets every request write in alice's name.
func everybody() desk.Access { return desk.Access{Write: true, Everybody: "alice"} }

// written returns text that shows how much the fake has stored so far: entries, letters and pauses.
func written(f *desktest.Fake) string {
	read := f.Settings(desk.Access{}).Source.Look(func(*view.View) {})
	return fmt.Sprint(read.Number, len(f.Asked.Pauses))
}

const canary = "canary@example.com"

// letterWith returns a backend with two letters of an order, one replayed and one dismissed, and a pause. Every field
// that others can fill contains the given text.
func letterWith(text string) *desktest.Fake {
	f := desktest.New()
	for offset := range int64(2) {
		f.Store(deadletter.Letter{
			Record: event.Record{
				Place: event.Place{Topic: "orders", Partition: 3, Offset: 41 + offset},
				Time:  time.Now().Add(-time.Hour), Key: []byte(text), Value: []byte(`{"email":"` + canary + `"}`),
				Headers: []event.Header{{Key: text, Value: []byte(text)}},
			},
			Item: deadletter.NoItem, OrderID: text, Status: text, Stage: deadletter.StageCall, Cause: text, Message: text,
			DecidedBy: text, FailedAt: time.Now().Add(-time.Hour), Version: text, Attempts: 1,
		})
	}
	text = strings.ToValidUTF8(text, "?") // the ledger refuses invalid UTF-8
	f.Write(ledger.Entry{Event: ledger.RunStart, Run: "r_1", By: text, Reason: text, Filter: text, Count: 1})
	f.Write(ledger.Entry{Event: ledger.LetterReplay, ID: "orders/3/41", N: 1, Run: "r_1", By: text, Reason: text, Order: text})
	f.Write(ledger.Entry{Event: ledger.LetterDismissed, ID: "orders/3/42", By: text, Reason: text})
	f.Write(ledger.Entry{Event: ledger.RunStop, Run: "r_1", By: text, Why: text})
	f.Asked.Pauses = []ledger.Entry{{Event: ledger.GuardPause, At: time.Now(), By: text, Reason: text}}
	return f
}

// views returns the addresses of all kinds of pages. text is the text to search for.
func views(text string) []string {
	query := url.QueryEscape(text)
	return []string{
		"/letters", "/letters?state=all", "/letters?state=all&cause=" + url.QueryEscape(strings.ToValidUTF8(text, "�")), "/letters?state=all&header=a%3D" + query,
		"/letters?state=" + query, "/letters/orders/3/41", "/letters/orders/3/42", "/plan?state=all", "/plan?since=" + query,
		"/dismiss?state=all", "/reopen?state=all", "/runs", "/runs/r_1", "/orders?id=" + query, "/orders?id=1&since=" + query,
		"/workers", "/nothing/" + url.PathEscape(strings.ToValidUTF8(text, "�")),
	}
}

var (
	tag       = regexp.MustCompile(`<[^>]*>`)
	inline    = regexp.MustCompile(`(?s)<(style|script)[^>]*>[^<]+<`)
	attribute = regexp.MustCompile(`\s([a-zA-Z-]+)(?:="([^"]*)")?`)
)

// skeleton returns a page's tags with the names of their attributes.
func skeleton(page string) (all []string) {
	for _, found := range tag.FindAllString(page, -1) {
		name, rest, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(found, "<"), ">"), " ")
		names := []string{name}
		for _, a := range attribute.FindAllStringSubmatch(" "+rest, -1) {
			names = append(names, a[1])
		}
		all = append(all, strings.Join(names, " "))
	}
	return all
}

// Pages that show hostile text have the same tags and attributes as pages that show harmless text.
func TestHostileTextsAreOnlyText(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a script":               `<script>alert(1)</script>`,
		"an image":               `"><img src=x onerror=alert(1)>`,
		"an attribute":           `" onmouseover="alert(1)`,
		"an attribute, unquoted": `' onfocus='alert(1)' autofocus x=`,
		"an address of a script": `javascript:alert(1)//`,
		"an address of data":     `data:text/html,<script>alert(1)</script>`,
		"the end of a title":     `</title></head><body onload=alert(1)>`,
		"the end of a block":     `</pre></textarea></style><svg onload=alert(1)>`,
		"a comment":              `--><script>alert(1)</script><!--`,
		"a template":             `{{.Visitor}}{{template "layout" .}}`,
		"an argument":            `{1}{2}{3}`,
		"another site":           `//evil.example/x`,
		"a query":                `a&state=all&id=x#y?z=%00`,
		"half a character":       "a\xff\xfe<b>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			harmless, hostile := opened(t, letterWith("harmless"), everybody()), opened(t, letterWith(text), everybody())
			for i, at := range views(text) {
				got := request{path: at}.send(t, hostile)
				want := request{path: views("harmless")[i]}.send(t, harmless)
				if got.Code != want.Code {
					t.Errorf("%s: got %d, want %d", at, got.Code, want.Code)
				}
				if g, w := skeleton(got.Body.String()), skeleton(want.Body.String()); !slices.Equal(g, w) {
					t.Errorf("%s: got other tags: %s", at, firstDifference(g, w))
				}
				wantHarmless(t, at, got.Body.String())
			}
		})
	}
}

// firstDifference shows the part of two lists where they start to differ.
func firstDifference(got, want []string) string {
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	near := func(all []string) []string { return all[max(0, min(i-3, len(all))):min(i+5, len(all))] }
	return fmt.Sprintf("got %q, want %q", near(got), near(want))
}

// wantHarmless fails the test if a page contains what the policy forbids, or an address on another site.
func wantHarmless(t *testing.T, at, page string) {
	t.Helper()
	if inline.MatchString(page) {
		t.Errorf("%s: got an inline script or style", at)
	}
	for _, found := range tag.FindAllString(page, -1) {
		for _, a := range attribute.FindAllStringSubmatch(found, -1) {
			value := html.UnescapeString(a[2])
			switch name := strings.ToLower(a[1]); {
			case strings.HasPrefix(name, "on"), name == "style", name == "srcdoc":
				t.Errorf("%s: got the attribute %s in %s", at, name, found)
			case slices.Contains([]string{"href", "src", "action", "formaction"}, name) &&
				!strings.HasPrefix(value, "#") && (!strings.HasPrefix(value, "/") || strings.HasPrefix(value, "//")):
				t.Errorf("%s: got the address %q, want one of the desk", at, value)
			}
		}
	}
}

func TestNoPageNeedsWhatThePolicyForbids(t *testing.T) {
	t.Parallel()
	for _, story := range []string{"busy", "few", "empty", "resolved", "many", "broken", "unread", "paused", "flood", "outage", "idle"} {
		h := opened(t, desktest.Story(story), everybody())
		for _, at := range views("4711") {
			wantHarmless(t, story+" "+at, request{path: at}.send(t, h).Body.String())
		}
	}
}

func TestTheScriptsTurnNoTextIntoCode(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"assets/desk.js", "assets/times.js"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`\beval\(|new Function|document\.write|(inner|outer)HTML\s*\+?=[^=]|insertAdjacentHTML|setTimeout\("|javascript:`).Find(text); found != nil {
			t.Errorf("%s: got %s, which turns text into code", file, found)
		}
	}
}

// writes returns the paths of all requests that change something, as desk.go registers them.
func writes(t *testing.T) (paths []string) {
	t.Helper()
	source, err := os.ReadFile("desk.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`"POST ([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
		paths = append(paths, strings.NewReplacer("{topic}", "orders", "{partition}", "3", "{offset}", "41", "{run}", "r_1").Replace(found[1]))
	}
	if len(paths) < 7 {
		t.Fatalf("got %v, want every request that changes something", paths)
	}
	return paths
}

// filled returns a form with every field that any request needs.
func filled() string {
	return url.Values{"reason": {"because"}, "state": {"open"}, "id": {"orders/3/41"}, "rate": {"10"}, "canary": {"1"}}.Encode()
}

func TestNoStrangerWrites(t *testing.T) {
	t.Parallel()
	email := http.Header{"X-Forwarded-Email": {"alice"}}
	fromPage := func(site string) http.Header {
		return http.Header{"X-Forwarded-Email": {"alice"}, "Sec-Fetch-Site": {site}}
	}
	proxy := "10.1.2.3:4711"
	readOnly := behind()
	readOnly.Write = false
	for name, c := range map[string]struct {
		access desk.Access
		request
	}{
		"without a user":                  {behind(), request{peer: proxy}},
		"with a forged header":            {behind(), request{peer: "10.1.2.4:4711", header: email}},
		"with two users":                  {behind(), request{peer: proxy, header: http.Header{"X-Forwarded-Email": {"alice", "bob"}}}},
		"from another site":               {behind(), request{peer: proxy, header: fromPage("cross-site")}},
		"from a neighbour's site":         {behind(), request{peer: proxy, header: fromPage("same-site")}},
		"from a site with an old browser": {behind(), request{peer: proxy, header: http.Header{"X-Forwarded-Email": {"alice"}, "Origin": {"https://evil.example"}}}},
		"at a read-only desk":             {readOnly, request{peer: proxy, header: email}},
		"at a desk without users":         {desk.Access{Write: true}, request{}},
		"with a wrong token":              {desk.Access{Write: true, Tokens: tokens(t)}, request{user: "alice", token: "0123456789abcdef01234568"}},
		"with a token from another site":  {desk.Access{Write: true, Tokens: tokens(t)}, request{user: "alice", token: aliceToken, header: fromPage("cross-site")}},
		"by a rebound host name":          {everybody(), request{local: "127.0.0.1:8090", host: "evil.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantNothingWritten(t, c.access, c.request)
		})
	}
}

// wantNothingWritten sends the request to each path that changes something. The test fails if anything is written.
func wantNothingWritten(t *testing.T, a desk.Access, q request) {
	t.Helper()
	f := letterWith("harmless")
	h, before := opened(t, f, a), written(f)
	for _, at := range writes(t) {
		q.method, q.path, q.form = http.MethodPost, at, filled()
		w := q.send(t, h)
		if w.Code != http.StatusForbidden && w.Code != http.StatusMisdirectedRequest {
			t.Errorf("%s: got %d, want it refused", at, w.Code)
		}
		if strings.Contains(w.Body.String(), canary) {
			t.Errorf("%s: got the value in the refusal", at)
		}
	}
	if after := written(f); after != before {
		t.Errorf("got something written: %s, want %s", after, before)
	}
}

func TestNothingIsWrittenByLooking(t *testing.T) {
	t.Parallel()
	f := letterWith("harmless")
	h, before := opened(t, f, everybody()), written(f)
	for _, at := range append(writes(t), views("harmless")...) {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			path := at
			if !strings.Contains(path, "?") {
				path += "?" + filled()
			}
			if w := (request{method: method, path: path}).send(t, h); strings.Contains(w.Body.String(), canary) {
				t.Errorf("%s %s: got the value", method, at)
			}
		}
	}
	if after := written(f); after != before {
		t.Errorf("got something written: %s, want %s", after, before)
	}
}

func TestAValueIsShownOnlyForAReasonThatTheLedgerKeeps(t *testing.T) {
	t.Parallel()
	const at = "/letters/orders/3/41/reveal"
	broken := letterWith("harmless")
	broken.Err = os.ErrDeadlineExceeded
	for name, c := range map[string]struct {
		f *desktest.Fake
		request
	}{
		"without a reason":                           {letterWith("harmless"), request{path: at, form: "x=y"}},
		"with an empty form":                         {letterWith("harmless"), request{path: at}},
		"with a blank reason":                        {letterWith("harmless"), request{path: at, form: "reason=+%09+"}},
		"with a reason in the query":                 {letterWith("harmless"), request{path: at + "?reason=because", form: "x=y"}},
		"with a reason that is too long":             {letterWith("harmless"), request{path: at, form: "reason=" + strings.Repeat("a", 300<<10)}},
		"while nothing can be written to the ledger": {broken, request{path: at, form: "reason=because"}},
		"of a letter that is unknown":                {letterWith("harmless"), request{path: "/letters/orders/3/43/reveal", form: "reason=because"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.method = http.MethodPost
			w := c.send(t, opened(t, c.f, everybody()))
			if w.Code < 400 || strings.Contains(w.Body.String(), canary) {
				t.Errorf("got %d and the value %v, want it refused", w.Code, strings.Contains(w.Body.String(), canary))
			}
		})
	}
	f := letterWith("harmless")
	h := opened(t, f, everybody())
	w := request{method: http.MethodPost, path: at, form: "reason=the+shop+asks"}.send(t, h)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), canary) || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %s, want the value in a page that nobody keeps", w.Code, w.Header())
	}
	letter, err := f.Settings(desk.Access{}).Source.Letter(t.Context(), ledger.ID{Topic: "orders", Partition: 3, Offset: 41, Item: ledger.NoItem})
	if err != nil {
		t.Fatal(err)
	}
	last := letter.History[len(letter.History)-1]
	if last.Event != string(ledger.LetterRevealed) || last.By != "alice" || last.Reason != "the shop asks" {
		t.Errorf("got %+v, want the ledger to say who looked, and why", last)
	}
	elsewhere := request{method: http.MethodPost, path: at + "?item=7", form: "reason=the+shop+asks"}.send(t, h)
	if elsewhere.Code != http.StatusOK {
		t.Errorf("got %d, want the letter that the form names, whatever the query says", elsewhere.Code)
	}
	if again := (request{path: "/letters/orders/3/41"}).send(t, h).Body.String(); strings.Contains(again, canary) {
		t.Error("got the value in the letter's page afterwards, want it masked")
	}
}

func TestALetterWithTenThousandHeadersHasAPage(t *testing.T) {
	t.Parallel()
	f := desktest.New()
	l := deadletter.Letter{
		Record: event.Record{Place: event.Place{Topic: "orders", Partition: 3, Offset: 41}, Value: []byte("{}")},
		Item:   deadletter.NoItem, Stage: deadletter.StageCall, Cause: "ValidationError", FailedAt: time.Now(),
	}
	for i := range 10_000 {
		l.Headers = append(l.Headers, event.Header{Key: fmt.Sprintf("h%d", i), Value: []byte(strings.Repeat("<", 1000))})
	}
	f.Store(l)
	w := request{path: "/letters/orders/3/41"}.send(t, opened(t, f, everybody()))
	if size := w.Body.Len(); w.Code != http.StatusOK || size > 2<<20 {
		t.Errorf("got %d and %d bytes, want a page of at most 2 MiB", w.Code, size)
	}
	if !strings.Contains(w.Body.String(), "9,800") {
		t.Error("got no line about the headers that are left out")
	}
}

// Without the part that cannot be understood, the filter would select more letters.
func TestNothingIsDoneToLettersOfAMisreadFilter(t *testing.T) {
	t.Parallel()
	f := letterWith("harmless")
	h, before := opened(t, f, everybody()), written(f)
	for _, q := range []request{
		{path: "/plan?since=soon"},
		{path: "/dismiss?id=orders"},
		{path: "/reopen?state=gone"},
		{method: http.MethodPost, path: "/runs", form: "reason=x&version=%3C"},
		{method: http.MethodPost, path: "/dismiss", form: "reason=x&since=soon"},
	} {
		if w := q.send(t, h); w.Code != http.StatusBadRequest {
			t.Errorf("%s: got %d, want 400", q.path, w.Code)
		}
	}
	if after := written(f); after != before {
		t.Errorf("got something written: %s, want %s", after, before)
	}
}

func TestNoPathLeavesThePages(t *testing.T) {
	t.Parallel()
	h := opened(t, letterWith("harmless"), everybody())
	for _, at := range []string{
		"/../../etc/passwd", "/assets/../desk.go", "/assets/..%2fdesk.go", "/assets/%2e%2e/%2e%2e/etc/passwd", "/assets/",
		"/assets/templates/layout.html", "/assets/desk.css%00", "/letters/orders/3/41/", "/letters/orders/3/-1",
		"/letters/orders/03/41", "/letters/orders/3/99999999999999999999", "/letters/orders%2f3%2f41/3/41", "/letters/%2e%2e/3/41",
		"/letters/orders/3/41%23x", "/letters//3/41", "/letters/orders/3/41?item=-1", "/letters/" + strings.Repeat("a", 8000) + "/3/41",
		"/runs/", "/runs/..%2f..%2fx", "/runs/" + strings.Repeat("a", 8000), "//evil.example/letters", "//evil.example/%2e%2e",
		"/\\evil.example", "/language?to=ru&back=//evil.example", "/language?to=ru&back=https://evil.example",
		"/language?to=ru&back=/%5cevil.example", "/language?to=ru&back=javascript:alert(1)", "/language?to=../../x&back=%0d%0aSet-Cookie:x",
		"/letters?page=99999999999999999999", "/letters?page=-1&state=all", "/debug/pprof/", "/metrics", "/LETTERS",
	} {
		w := request{path: at}.send(t, h)
		to := w.Header().Get("Location")
		switch {
		case w.Code >= 500:
			t.Errorf("%.80s: got %d", at, w.Code)
		case to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, "/\\")):
			t.Errorf("%.80s: got sent to %q, want a page of the desk", at, to)
		case w.Code == http.StatusOK && !strings.HasPrefix(at, "/letters?page="):
			t.Errorf("%.80s: got a page", at)
		}
		if w.Header().Get("Set-Cookie") != "" && !strings.HasPrefix(w.Header().Get("Set-Cookie"), "desk_language=ru;") {
			t.Errorf("%.80s: got the cookie %q", at, w.Header().Get("Set-Cookie"))
		}
	}
}

func TestAStrangerLearnsNothing(t *testing.T) {
	t.Parallel()
	h := opened(t, desktest.Story("busy"), desk.Access{Write: true, Tokens: tokens(t)})
	for _, q := range []request{
		{},
		{path: "/letters/orders/3/41"},
		{path: "/workers"},
		{path: "/nothing"},
		{path: "/assets/desk.css"},
		{method: http.MethodPost},
		{method: http.MethodPut},
		{path: "/letters/%00"},
		{user: "alice"},
	} {
		w := q.send(t, h)
		page := w.Body.String()
		if w.Code < 400 || strings.Contains(page, "shop") || strings.Contains(page, "/workers") || strings.Contains(page, "<time") {
			t.Errorf("%s %s: got %d and\n%s\nwant a refusal that says nothing else", q.method, q.path, w.Code, page)
		}
	}
	if w := (request{path: "/livez"}).send(t, h); w.Code != http.StatusOK || w.Body.String() != "alive\n" {
		t.Errorf("got %d %q for a health probe, want alive", w.Code, w.Body)
	}
}
