package desk_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"

	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/desk/desktest"
	"leadhit-sync/integration/browser"
)

const (
	// An open tab reads its page every five seconds, so mostPolls corresponds to twenty minutes.
	mostPolls  = 240
	firstPolls = 60 // the first polls fill caches
	// pollsAtOnce polls must finish within the browser's patience, even on a slow machine.
	pollsAtOnce = 10
)

// polls is a script that makes the page reload its content a given number of times, as the page's timer does.
const polls = `(async () => {
	const original = window.fetch;
	let done = 0;
	window.fetch = (...all) => original(...all).finally(() => done++);
	while (done < %d) {
		document.dispatchEvent(new Event("visibilitychange"));
		await new Promise((resolve) => setTimeout(resolve));
	}
	window.fetch = original;
	return done;
})()`

// TestAnOpenTabDoesNotGrow opens a page on which every poll finds something new.
func TestAnOpenTabDoesNotGrow(t *testing.T) {
	chromium := browser.Start(t)
	for _, path := range []string{"/letters", "/workers"} {
		t.Run(path, func(t *testing.T) {
			tab, err := browser.Open(chromium, browser.View{})
			if err != nil {
				t.Fatal(err)
			}
			defer tab.Close()
			if err := tab.Do(chromedp.Navigate(changing(t) + path)); err != nil {
				t.Fatal(err)
			}
			before := weighAfter(t, tab, firstPolls)
			after := weighAfter(t, tab, mostPolls)
			// Chromium may keep the nodes from the last poll for a while. Leaked nodes stay.
			for more := 0; grown(before, after) && more < 5; more++ {
				after = weighAfter(t, tab, firstPolls)
			}
			t.Logf("got %+v, later %+v", before, after)
			if grown(before, after) {
				t.Errorf("got %+v after %+v, want at most 10%% more nodes, no more listeners, and at most 1 MiB more heap", after, before)
			}
		})
	}
}

func grown(from, to browser.Weight) bool {
	return to.Nodes > from.Nodes+from.Nodes/10 || to.Listeners > from.Listeners || to.Heap > from.Heap+1<<20
}

func weighAfter(t *testing.T, tab *browser.Tab, reads int) browser.Weight {
	t.Helper()
	for range reads / pollsAtOnce {
		if done, err := browser.Read(tab, chromedp.Evaluate[int](fmt.Sprintf(polls, pollsAtOnce), chromedp.EvalAwaitPromise)); err != nil ||
			done < pollsAtOnce {
			t.Fatalf("got %d polls and %v, want %d", done, err, pollsAtOnce)
		}
	}
	w, err := tab.Weight()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// changing serves the "busy" story. Before each request, one more letter is stored.
func changing(t *testing.T) (url string) {
	t.Helper()
	backend := desktest.Story("busy")
	handler, err := desk.New(backend.Settings(desk.Access{Write: true, Everybody: "alice@example.com"}))
	if err != nil {
		t.Fatal(err)
	}
	return listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		backend.StoreAnother()
		handler.ServeHTTP(w, r)
	}))
}
