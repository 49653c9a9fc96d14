package observe_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"leadhit-sync/cmd/worker/observe"
)

func TestACauseIsNewOnlyWithItsFirstLetter(t *testing.T) {
	t.Parallel()
	m := observe.NewMetrics("1.2.3", nil, slog.New(slog.DiscardHandler))
	m.LetterRead("v1:known")
	for _, fingerprint := range []string{"v1:known", "v1:new", "v1:new"} {
		m.LetterStoring(fingerprint)
		m.LetterRead(fingerprint) // read back before the write has returned
		m.LetterStored(fingerprint)
	}
	page := httptest.NewRecorder()
	m.Handler().ServeHTTP(page, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	if text := page.Body.String(); !strings.Contains(text, "\nleadhit_sync_letters_new_causes_total 1\n") {
		t.Errorf("got no count of 1 in\n%s", text)
	}
}
