package desk_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/desk/desktest"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/view"
)

// visit is a desk with a person who may write.
type visit struct {
	*testing.T

	desk http.Handler
	fake *desktest.Fake
}

func visitStory(t *testing.T, story string) visit {
	t.Helper()
	f := desktest.Story(story)
	d, err := desk.New(f.Settings(desk.Access{Write: true, Everybody: "anna"}))
	if err != nil {
		t.Fatal(err)
	}
	return visit{t, d, f}
}

// get returns a page as text, or the address to which it redirects.
func (v visit) get(path string) (code int, body string) {
	v.Helper()
	return v.serve(httptest.NewRequestWithContext(v.Context(), http.MethodGet, path, nil))
}

func (v visit) serve(r *http.Request) (code int, body string) {
	v.Helper()
	w := httptest.NewRecorder()
	v.desk.ServeHTTP(w, r)
	if to := w.Header().Get("Location"); to != "" {
		return w.Code, to
	}
	return w.Code, html.UnescapeString(w.Body.String())
}

// send fills in the page's form and sends it, as a browser without scripts does.
func (v visit) send(page, action string, values map[string]string) (code int, body string) {
	v.Helper()
	form := regexp.MustCompile(`(?s)<form[^>]*method="post" action="` + regexp.QuoteMeta(action) + `".*?</form>`).FindString(page)
	if form == "" {
		v.Fatalf("the page has no form for %s", action)
	}
	filled := url.Values{}
	for _, input := range regexp.MustCompile(`<input[^>]*name="([^"]+)"[^>]*?(?:value="([^"]*)")?[^>]*>`).FindAllString(form, -1) {
		name := regexp.MustCompile(`name="([^"]*)"`).FindStringSubmatch(input)[1]
		value := ""
		if found := regexp.MustCompile(`value="([^"]*)"`).FindStringSubmatch(input); found != nil {
			value = found[1]
		}
		filled.Add(name, value)
	}
	for name, value := range values {
		filled.Set(name, value)
	}
	r := httptest.NewRequestWithContext(v.Context(), http.MethodPost, action, strings.NewReader(filled.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.serve(r)
}

func (v visit) want(code, wanted int, body string, texts ...string) {
	v.Helper()
	if code != wanted {
		v.Fatalf("got %d, want %d: %s", code, wanted, body)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			v.Errorf("the page lacks %q:\n%s", text, body)
		}
	}
}

func TestALetterIsReplayedWithoutScripts(t *testing.T) {
	t.Parallel()
	v := visitStory(t, "few")
	code, page := v.get("/plan?cause=ValidationError")
	v.want(code, http.StatusOK, page, "Replay 3 letters of 3 orders?", `leadhit-sync replay --cause ValidationError --reason`)

	code, again := v.send(page, "/runs", map[string]string{"reason": " "})
	v.want(code, http.StatusUnprocessableEntity, again, "A reason is missing")
	code, again = v.send(page, "/runs", map[string]string{"reason": "fixed", "rate": "0"})
	v.want(code, http.StatusUnprocessableEntity, again, "Letters per second: a number", `value="fixed"`)

	code, to := v.send(page, "/runs", map[string]string{"reason": "fixed"})
	v.want(code, http.StatusSeeOther, to, "/runs/r_")
	code, run := v.get(to)
	v.want(code, http.StatusOK, run, "<h1>fixed</h1>", "anna", "3 of 3 done")
	code, list := v.get("/letters")
	v.want(code, http.StatusOK, list, "No open dead letters")
}

func TestAPlanThatChangedIsNotStarted(t *testing.T) {
	t.Parallel()
	v := visitStory(t, "few")
	_, page := v.get("/plan")
	letter := firstLetter(t, v.fake)
	v.fake.Write(ledger.Entry{Event: ledger.LetterDismissed, ID: letter.String(), By: "boris", Reason: "test order"})
	code, again := v.send(page, "/runs", map[string]string{"reason": "fixed"})
	v.want(code, http.StatusConflict, again, "have changed since you saw the plan", "Replay 2 letters of 2 orders?", `value="fixed"`)
	if runs := runsOf(v.fake); len(runs) != 0 {
		t.Errorf("got the runs %v, want none", runs)
	}
	code, to := v.send(again, "/runs", map[string]string{"reason": "fixed"})
	v.want(code, http.StatusSeeOther, to, "/runs/r_")
	code, page = v.get("/letters/" + letter.String())
	v.want(code, http.StatusOK, page, "Dismissed", "boris", "test order", "Reopen…")
}

func TestManyLettersAreReplayedOnlyByTheirNumber(t *testing.T) {
	t.Parallel()
	v := visitStory(t, "busy")
	_, page := v.get("/plan?cause=ValidationError")
	code, again := v.send(page, "/runs", map[string]string{"reason": "fixed", "number": "12"})
	v.want(code, http.StatusUnprocessableEntity, again, "The number does not match")
	number := regexp.MustCompile(`Type (\d+) to confirm`).FindStringSubmatch(page)[1]
	code, to := v.send(page, "/runs", map[string]string{"reason": "fixed", "number": number})
	v.want(code, http.StatusSeeOther, to, "/runs/r_")
	_, run := v.get(to)
	code, to = v.send(run, to+"/stop", nil)
	v.want(code, http.StatusSeeOther, to, "/runs/r_")
	code, run = v.get(to)
	v.want(code, http.StatusOK, run, "interrupted: stopped by anna", "The workers finish the waiting letters")
	if strings.Contains(run, "/stop") {
		t.Error("a run that ended can be stopped")
	}
}

func TestLettersAreDismissedAndReopened(t *testing.T) {
	t.Parallel()
	v := visitStory(t, "few")
	id := firstLetter(t, v.fake).String()
	_, page := v.get("/dismiss?id=" + id)
	code, again := v.send(page, "/dismiss", nil)
	v.want(code, http.StatusUnprocessableEntity, again, "A reason is missing")
	code, done := v.send(page, "/dismiss", map[string]string{"reason": "test order"})
	v.want(code, http.StatusOK, done, "1 letter is dismissed")
	code, stale := v.send(page, "/dismiss", map[string]string{"reason": "test order"})
	v.want(code, http.StatusUnprocessableEntity, stale, "No letter matches")
	code, list := v.get("/letters?state=dismissed")
	v.want(code, http.StatusOK, list, id, "1–1 of 1")
	_, page = v.get("/reopen?id=" + id)
	code, done = v.send(page, "/reopen", map[string]string{"reason": "by mistake"})
	v.want(code, http.StatusOK, done, "1 letter is open again")
}

// A letter that failed after the person looked must not be dismissed unseen.
func TestLettersThatCameLaterAreNotDismissed(t *testing.T) {
	t.Parallel()
	v := visitStory(t, "few")
	_, page := v.get("/dismiss")
	late := desktest.Story("few")
	id := firstLetter(t, late)
	l, _ := late.Settings(desk.Access{}).Source.Letter(t.Context(), id)
	l.Offset += 1000
	v.fake.Store(l.Letter.Letter)
	code, again := v.send(page, "/dismiss", map[string]string{"reason": "test orders"})
	v.want(code, http.StatusConflict, again, "have changed since you saw them", "Dismiss 4 letters of")
}

func TestAFormForSelectedLettersNeedsOne(t *testing.T) {
	t.Parallel()
	v := visitStory(t, "few")
	for _, path := range []string{"/plan?selected=1", "/dismiss?selected=1", "/reopen?selected=1"} {
		code, page := v.get(path)
		v.want(code, http.StatusBadRequest, page, "No letter was selected")
	}
}

func TestTheFilterIsTheAddressAndTheCommand(t *testing.T) {
	t.Parallel()
	v := visitStory(t, "busy")
	code, to := v.get("/letters?state=all&q=" + url.QueryEscape(`cause:"HTTP 422" code:422 88012`))
	v.want(code, http.StatusSeeOther, to)
	if want := "/letters?cause=HTTP+422&code=422&order=88012&state=all"; to != want {
		t.Errorf("got %s, want %s", to, want)
	}
	code, page := v.get("/letters?cause=HTTP+422&version=%3C2&since=7d")
	v.want(code, http.StatusOK, page, "cause:HTTP 422", "1 cause", "leadhit-sync letters list --cause 'HTTP 422' --since 20")
	if strings.Contains(page, "InvalidOrder") {
		t.Error("got other causes, want the filter to exclude them")
	}
	code, page = v.get("/letters?cause=none")
	v.want(code, http.StatusOK, page, "0 of 272 letters match", "Clear the filter")
	code, page = v.get("/letters?since=yesterday")
	v.want(code, http.StatusOK, page, "not understood: since:yesterday")
	code, to = v.get("/letters?q=orders/1/5")
	v.want(code, http.StatusSeeOther, to, "/letters?id=orders%2F1%2F5")
}

func TestAValueIsRevealedForAReason(t *testing.T) {
	t.Parallel()
	v := visitStory(t, "few")
	id := firstLetter(t, v.fake)
	path := "/letters/" + id.String()
	code, page := v.get(path)
	v.want(code, http.StatusOK, page, `"email": "•••"`)
	code, again := v.send(page, path+"/reveal", map[string]string{"reason": ""})
	v.want(code, http.StatusUnprocessableEntity, again, "A reason is missing", `"email": "•••"`)
	code, shown := v.send(page, path+"/reveal", map[string]string{"reason": "the shop asks"})
	v.want(code, http.StatusOK, shown, "anna@example.com", "anna looked at the value", "the shop asks")
}

func TestTheListSaysWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	for story, texts := range map[string][]string{
		"unread":   {"Kafka has not been read yet", "topic dlq.shop does not exist"},
		"broken":   {"The letters or their ledger cannot be read.", "connection refused", "209"},
		"ledger":   {"The letters or their ledger cannot be read.", "Topic Authorization Failed", "209"},
		"empty":    {"No open dead letters", "No event of this group has been refused"},
		"resolved": {"No open dead letters", "The last one failed", `Dismissed <span class="count">3`},
		"many":     {"300 causes", "280 more causes", "Show all"},
	} {
		v := visitStory(t, story)
		code, page := v.get("/letters")
		v.want(code, http.StatusOK, page, texts...)
		acts := strings.Contains(page, `formaction="/dismiss"`)
		if wanted := story == "many"; acts != wanted {
			t.Errorf("%s: got actions: %v, want %v", story, acts, wanted)
		}
	}
	v := visitStory(t, "many")
	_, page := v.get("/letters?causes=all")
	if got := strings.Count(page, "data-fingerprint="); got != 300 {
		t.Errorf("got %d causes, want all 300", got)
	}
}

// A desk that cannot write shows the same pages, and offers nothing that it would refuse.
func TestADeskWithoutAWriterOnlyShows(t *testing.T) {
	t.Parallel()
	f := desktest.Story("few")
	s := f.Settings(desk.Access{Write: true, Everybody: "anna"})
	s.Writer = nil
	d, err := desk.New(s)
	if err != nil {
		t.Fatal(err)
	}
	v := visit{t, d, f}
	id := firstLetter(t, f).String()
	for _, path := range []string{"/letters", "/letters/" + id, "/plan", "/dismiss", "/runs", "/workers"} {
		code, page := v.get(path)
		v.want(code, http.StatusOK, page, "read-only")
		if strings.Contains(page, `method="post"`) {
			t.Errorf("%s has a form that changes something", path)
		}
	}
}

func firstLetter(t *testing.T, f *desktest.Fake) (id ledger.ID) {
	t.Helper()
	f.Settings(desk.Access{}).Source.Look(func(v *view.View) {
		for l := range v.Letters(view.Filter{}) {
			id = l.Ledger.ID
			return
		}
		t.Fatal("there is no letter")
	})
	return id
}

func runsOf(f *desktest.Fake) (runs []view.Run) {
	f.Settings(desk.Access{}).Source.Look(func(v *view.View) { runs = v.Runs() })
	return runs
}

// The race detector finds state that visitors share without a lock.
func TestManyVisitorsAtOnceAreServed(t *testing.T) {
	v := visitStory(t, "flood")
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			for _, path := range []string{
				"/letters", "/letters?state=all&order=8*", "/plan?state=open", "/dismiss?state=open", "/runs", "/orders", "/workers",
			} {
				v.fake.StoreAnother() // a changed view drops what the desk has cached
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
				r.Header.Set("Accept-Language", []string{"en", "ru"}[n%2])
				if code, _ := v.serve(r); code != http.StatusOK {
					t.Errorf("%s: got %d, want 200", path, code)
				}
			}
		})
	}
	all.Wait()
}

func TestAListFollowsTheClockWhileNoRecordArrives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := visitStory(t, "few")
		code, list := v.get("/letters?since=24h")
		v.want(code, http.StatusOK, list, "ValidationError")
		time.Sleep(48 * time.Hour)
		code, list = v.get("/letters?since=24h")
		v.want(code, http.StatusOK, list, "0 of 3 letters match")
	})
}
