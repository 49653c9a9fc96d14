package desk_test

import (
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"leadhit-sync/deadletter/desk/desktest"
)

// answer returns the response from a desk whose user is alice: the HTTP status, and the text of the page without its
// tags.
func answer(t *testing.T, backend *desktest.Fake, r *http.Request, lang string) (code int, texts string) {
	t.Helper()
	r.Header.Set("Accept-Language", lang)
	code, page := pageOf(opened(t, backend, everybody()), r)
	return code, textsOf(page)
}

func pageOf(pages http.Handler, r *http.Request) (code int, page string) {
	out := httptest.NewRecorder()
	pages.ServeHTTP(out, r)
	return out.Code, out.Body.String()
}

// textsOf returns the text of a page's main part, as a person reads it.
func textsOf(page string) string {
	if _, main, found := strings.Cut(page, "<main"); found {
		page, _, _ = strings.Cut(main, "</main>")
	}
	page = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " ")
	return strings.Join(strings.Fields(html.UnescapeString(page)), " ")
}

func TestAnOrderShowsItsEventsAndWhatTheyWaitFor(t *testing.T) {
	t.Parallel()
	for target, want := range map[string][]string{
		"/orders?id=4711": {
			"Order 4711 4 events of the order since", "Call: submitted orders/3/117204 finished",
			`Ignore orders/3/117391 Decided by rules[0]: event == "stock.changed" finished`,
			"Now Nothing is left to do Every event is finished. Finished means: committed",
			"leadhit-sync order 4711",
		},
		"/orders?id=4711&since=7d": {
			"Call: submitted orders/3/117512 Repeats the status of orders/3/117204, so no call was needed.",
		},
		"/orders?id=4712&since=7d": {
			"Waits for its next attempt, due",
			"7 attempts calls are paused: LeadHit is down http 503 Service Unavailable: no upstream",
			"Waits until orders/3/118273 has ended blocked",
			"The worker has not fetched it yet. At most 312 events come before it. not fetched yet",
			"Now 3 events are not finished", "leadhit-sync order 4712 --since 7d",
		},
		"/orders?id=4713": {
			"Only a part was read.", "Now Only a part was read, so there may be more",
			"Not known 2 events cannot be read, because their schemas cannot be looked up.",
			"No worker of group shop responded",
		},
		"/orders": {"Orders The events of one order"},
	} {
		code, texts := answer(t, desktest.Story("busy"), get(t, target), "en")
		if code != http.StatusOK {
			t.Errorf("%s: got %d, want 200", target, code)
		}
		for _, text := range want {
			if !strings.Contains(texts, text) {
				t.Errorf("%s: got %s\nwant %q in it", target, texts, text)
			}
		}
		if done := strings.Contains(texts, "Nothing is left to do"); done != strings.HasPrefix(target, "/orders?id=4711") {
			t.Errorf("%s: got %s\nwant nothing left to do: %t", target, texts, !done)
		}
	}
}

func TestAnOrderShowsTheHistoryOfItsLetters(t *testing.T) {
	t.Parallel()
	_, texts := answer(t, desktest.Story("busy"), get(t, "/orders?id=88023"), "en")
	for _, text := range []string{
		"Stored as a dead letter: ValidationError", "Possible statuses: paid, submitted, canceled; got “complete”",
		"failed at: call 1 attempt worker 1.9.0+3fa2c1d record dlq.shop/0/",
		"Replay 1, requested by alice@example.com", "LeadHit 2.4 accepts it run r_01JD8K", "LeadHit accepted it",
		"Overtaken: LeadHit accepted orders/3/118900. A replay needs force now", "overtaken Open the letter",
	} {
		if !strings.Contains(texts, text) {
			t.Errorf("got %s\nwant %q in it", texts, text)
		}
	}
}

func TestLinksOfAnOrderAndOfTheWorkersLeadToPages(t *testing.T) {
	t.Parallel()
	for target, story := range map[string]string{
		"/orders?id=88023": "busy", "/workers": "flood", "/workers?": "outage", "/orders?id=4712&since=7d": "busy",
	} {
		pages := opened(t, desktest.Story(story), everybody())
		_, page := pageOf(pages, get(t, target))
		links := regexp.MustCompile(`href="(/[^"]*)"`).FindAllStringSubmatch(page, -1)
		for _, link := range links {
			to := html.UnescapeString(link[1])
			code, texts := pageOf(pages, get(t, to))
			if code >= 400 && !strings.Contains(texts, "No event and no letter of order") {
				t.Errorf("%s of %s: got %d for its link %s", target, story, code, to)
			}
		}
		if len(links) < 8 {
			t.Errorf("%s of %s: got %d links, want those of the layout and more", target, story, len(links))
		}
	}
}

func TestAnOrderThatIsNotFoundOrNotReadSaysSo(t *testing.T) {
	t.Parallel()
	broken := desktest.Story("busy")
	broken.Err = errors.New("dial tcp 10.1.2.3:9092: connection refused")
	const evil = `<script>alert(1)</script>"'&`
	for _, c := range []struct {
		backend *desktest.Fake
		id      string
		code    int
		want    string
	}{
		{desktest.Story("busy"), "99", http.StatusNotFound, "No event and no letter of order 99 Look further back"},
		{desktest.Story("busy"), evil, http.StatusNotFound, "No event and no letter of order " + evil},
		{desktest.Story("busy"), "..", http.StatusNotFound, "No event and no letter of order .."},
		{broken, "4711", http.StatusBadGateway, "The order could not be read dial tcp 10.1.2.3:9092: connection refused"},
	} {
		code, texts := answer(t, c.backend, get(t, "/orders?"+url.Values{"id": {c.id}}.Encode()), "en")
		if code != c.code || !strings.Contains(texts, c.want) {
			t.Errorf("%s: got %d, %s\nwant %d and %q", c.id, code, texts, c.code, c.want)
		}
		if strings.Contains(texts, "0 events of the order since") != (c.code == http.StatusNotFound) {
			t.Errorf("%s: got %s, want a number of events only if it is known", c.id, texts)
		}
	}
}

func TestARussianPageHasNoEnglishTextOfOurs(t *testing.T) {
	t.Parallel()
	en, ru := catalogue(t, "en"), catalogue(t, "ru")
	for story, targets := range map[string][]string{
		"busy": {
			"/orders", "/orders?id=4711", "/orders?id=4712", "/orders?id=4713", "/orders?id=88023", "/orders?id=0",
			"/workers",
		},
		"many":   {"/workers"},
		"broken": {"/workers", "/orders?id=1"},
		"outage": {"/workers"}, "paused": {"/workers"}, "flood": {"/workers"}, "idle": {"/workers"},
	} {
		backend := desktest.Story(story)
		for _, target := range targets {
			_, texts := answer(t, backend, get(t, target), "ru")
			texts = strings.ReplaceAll(texts, "LeadHit 2.4 accepts it", "") // a person's words
			for key, forms := range en {
				piece := longestPiece(forms)
				if len(piece) > 12 && !strings.Contains(strings.Join(ru[key], " "), piece) && strings.Contains(texts, piece) {
					t.Errorf("%s of %s: got the English text %s in %s", target, story, key, texts)
				}
			}
		}
	}
}

// longestPiece returns the longest piece of a text between its arguments.
func longestPiece(forms []string) string {
	pieces := placeholder.Split(strings.Join(forms, "{0}"), -1)
	return strings.TrimSpace(slices.MaxFunc(pieces, func(a, b string) int { return len(a) - len(b) }))
}

var placeholder = regexp.MustCompile(`\{\d\}`)
