package desk_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/desk/desktest"
	"leadhit-sync/deadletter/ledger"
)

// BenchmarkViewsOf200000Letters shows each view after a read that brought something new, so that nothing is in the
// cache. The goal is 200 ms.
func BenchmarkViewsOf200000Letters(b *testing.B) {
	before := heap()
	f := desktest.Story("huge")
	b.Logf("%d MiB of memory for the letters", (heap()-before)>>20)
	d, err := desk.New(f.Settings(desk.Access{}))
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range []string{
		"/letters", "/letters?page=20", "/letters?state=all", "/letters?cause=HTTP+422", "/letters?since=24h",
		"/letters?order=4000010", "/letters?version=%3C1.10", "/dismiss?order=4000010", "/runs",
	} {
		b.Run(path, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				f.Write(ledger.Entry{Event: ledger.LetterRevealed, ID: "orders/0/1", Reason: "a read that brought something"})
				b.StartTimer()
				w := httptest.NewRecorder()
				d.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil))
				if w.Code != http.StatusOK {
					b.Fatalf("got %d", w.Code)
				}
			}
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
