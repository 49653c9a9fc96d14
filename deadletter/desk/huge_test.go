package desk_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/desk/desktest"
)

// A desk that reads 200,000 letters answers at once: the goal is 200 ms for a view after the first read. The test logs
// the times, and fails only where a view has become many times slower.
func TestViewsOf200000LettersAreFast(t *testing.T) { //nolint:paralleltest // measures
	if testing.Short() {
		t.Skip("builds 200,000 letters")
	}
	f := desktest.Story("huge")
	d, err := desk.New(desk.Settings{Source: f, Writer: f, Group: desktest.Group})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"/letters", "/letters", "/letters?page=2", "/letters?state=all", "/letters?cause=HTTP+422", "/letters?since=24h",
		"/letters?order=4000010", "/runs", "/dismiss?order=4000010", "/letters/orders/1/7",
	} {
		began := time.Now()
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		took := time.Since(began)
		t.Logf("%-28s %d %6.1f ms %7d bytes", path, w.Code, float64(took.Microseconds())/1000, w.Body.Len())
		if took > 20*time.Second {
			t.Errorf("%s took %v, want 200 ms on a quiet machine", path, took)
		}
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	t.Logf("heap %d MiB with the letters", m.HeapAlloc>>20)
	runtime.KeepAlive(d)
}
