package desk_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"leadhit-sync/deadletter/desk"
	"leadhit-sync/deadletter/desk/desktest"
	"leadhit-sync/deadletter/ledger/guard"
)

func TestTheWorkersShowTheirStateAndWhy(t *testing.T) {
	t.Parallel()
	for story, want := range map[string][]string{
		"busy": {
			"2 workers: 2 running", "running for 20 h, since", "Calls in flight 3 of 64", "3 partitions",
			"Events to finish 42", "Letters in the last hour 43", "letters: 41 × ValidationError, 2 × HTTP 422",
			"Pause all calls",
		},
		"outage": {
			"2 workers: 2 paused (LeadHit is down) different versions: 1.10.0+9be01d2, 1.8.3+77aa0c4",
			"LeadHit is down. Single calls probe it, and calls resume automatically. Nothing is lost.",
			"LeadHit asked to wait (Retry-After) until", "Orders waiting 37",
			"35 orders: http 503 Service Unavailable: no upstream is healthy", "and 31 more",
			"2 orders: Timeout: no response within 10s",
			"4 orders: http 503", // of the older release, which does not count them
		},
		"paused": {
			"2 workers: 2 paused (by hand)", "Calls are paused", "Paused by alice@example.com since", "LeadHit переезжает",
			"Resume calls",
		},
		"flood": {
			"2 workers: 2 paused (flood of dead letters)",
			"Paused by the flood guard of leadhit-sync-5d9c7-x2x9k since", "build 1.10.0+9be01d2 shop@4f1c2a",
			"100 of the last 200 items were dead letters",
			"ValidationError Possible statuses: paid, submitted, canceled; got “complete”",
			"Is the deploy wrong, or are the orders?", "Accept these letters and resume",
		},
		"many": {
			"4 workers: 2 running, 1 waiting, 1 does not respond", "dial tcp 10.0.4.23:8080: i/o timeout",
			"topic orders.archive does not exist", "orders/1 is stuck", "dlq.shop: retention.ms is 86400000",
			"Open transactions hold back 300 events; the first is 3 h 2 min old.", "40 partitions",
			"An open transaction holds back 300 events", "The window is full.", "The broker does not know this partition.",
			"and 20 more partitions, 5,410 unfinished events",
		},
		"broken": {
			"The pauses cannot be read, so it is not known whether one is in force.", "1 worker: 1 does not respond",
		},
		"idle": {"No worker responded Events wait in Kafka"},
	} {
		code, texts := answer(t, desktest.Story(story), get(t, "/workers"), "en")
		if code != http.StatusOK {
			t.Errorf("%s: got %d, want 200", story, code)
		}
		for _, text := range want {
			if !strings.Contains(texts, text) {
				t.Errorf("%s: got %s\nwant %q in it", story, texts, text)
			}
		}
	}
}

func TestAWorkerOfAnotherGroupIsNotShownAsOurs(t *testing.T) {
	t.Parallel()
	backend := desktest.Story("busy")
	backend.Asked.Workers[1].Status.Group = "billing"
	_, texts := answer(t, backend, get(t, "/workers"), "en")
	if !strings.Contains(texts, "1 running, 1 does not respond") ||
		!strings.Contains(texts, "it belongs to group billing") {
		t.Errorf("got %s, want a worker of group billing", texts)
	}
}

func TestAPauseIsWrittenWithItsReason(t *testing.T) {
	t.Parallel()
	backend := desktest.Story("busy")
	for reason, want := range map[string]string{
		"": "Write a reason", strings.Repeat(" ", 3): "Write a reason", strings.Repeat("ж", 513): "The reason is too long.",
	} {
		code, texts := answer(t, backend, post(t, "/pause", reason), "en")
		if code != http.StatusUnprocessableEntity || !strings.Contains(texts, want) || len(backend.Asked.Pauses) > 0 {
			t.Errorf("reason %q: got %d, %s, want 422, %q and no pause", reason, code, texts, want)
		}
	}
	code, _ := answer(t, backend, post(t, "/pause", " LeadHit migrates "), "en")
	if code != http.StatusSeeOther || len(backend.Asked.Pauses) != 1 {
		t.Fatalf("got %d and the pauses %v, want 303 and one", code, backend.Asked.Pauses)
	}
	if p := backend.Asked.Pauses[0]; p.By != "alice" || p.Reason != "LeadHit migrates" {
		t.Errorf("got a pause by %q for %q, want alice and LeadHit migrates", p.By, p.Reason)
	}
	_, texts := answer(t, backend, get(t, "/workers?done=pause"), "en")
	if !strings.Contains(texts, "The pause has been written.") || !strings.Contains(texts, "LeadHit migrates") {
		t.Errorf("got %s, want the pause", texts)
	}
	code, texts = answer(t, backend, post(t, "/resume", "  "), "en")
	if code != http.StatusUnprocessableEntity || len(backend.Asked.Pauses) != 1 {
		t.Errorf("resume without a reason: got %d, %s, want 422", code, texts)
	}
	code, _ = answer(t, backend, post(t, "/resume", "it is over"), "en")
	if code != http.StatusSeeOther || len(backend.Asked.Pauses) != 0 {
		t.Errorf("got %d and the pauses %v, want 303 and none", code, backend.Asked.Pauses)
	}
}

func TestAPauseThatCannotBeWrittenIsReported(t *testing.T) {
	t.Parallel()
	backend := desktest.Story("busy")
	backend.Err = errors.New("write to dlq.shop.ledger: not enough replicas")
	code, texts := answer(t, backend, post(t, "/pause", "LeadHit migrates"), "en")
	if code != http.StatusBadGateway || !strings.Contains(texts, "It is not known whether this was written.") ||
		!strings.Contains(texts, "not enough replicas") {
		t.Errorf("got %d, %s, want 502 with the reason", code, texts)
	}
}

func TestADeskWithoutAWriterPausesNothing(t *testing.T) {
	t.Parallel()
	backend := desktest.Story("paused")
	noWriter := backend.Settings(desk.Access{Write: true, Everybody: "alice"})
	noWriter.Writer = nil
	for name, s := range map[string]desk.Settings{
		"no writer": noWriter,
		"no user":   backend.Settings(desk.Access{Write: true}),
		"read-only": backend.Settings(desk.Access{Everybody: "alice"}),
	} {
		pages, err := desk.New(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range []string{"/pause", "/resume"} {
			out := httptest.NewRecorder()
			pages.ServeHTTP(out, post(t, target, "why"))
			if out.Code != http.StatusForbidden || len(backend.Asked.Pauses) != 1 {
				t.Errorf("%s, %s: got %d and the pauses %v, want 403", name, target, out.Code, backend.Asked.Pauses)
			}
		}
		out := httptest.NewRecorder()
		pages.ServeHTTP(out, get(t, "/workers"))
		if strings.Contains(out.Body.String(), `action="/resume"`) {
			t.Errorf("%s: got a form to resume, want none", name)
		}
		if texts := textsOf(out.Body.String()); !strings.Contains(texts, "only") {
			t.Errorf("%s: got %s, want why nobody may resume", name, texts)
		}
	}
}

func post(t *testing.T, target, reason string) *http.Request {
	t.Helper()
	body := strings.NewReader(url.Values{"reason": {reason}}.Encode())
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

func TestTheReasonOfTheFloodGuardIsInThePagesLanguage(t *testing.T) {
	t.Parallel()
	g := guard.Guard{Worker: "worker-1", Build: "1.10.0"}
	for i := range 150 {
		g.Refused(time.Now(), strconv.Itoa(i), "v1:9f2c41d07ab3")
	}
	pause, paused := g.Pause()
	if !paused {
		t.Fatal("the guard does not pause after 150 letters")
	}
	backend := desktest.Story("flood")
	backend.Asked.Pauses[0].Reason = pause.Reason
	_, texts := answer(t, backend, get(t, "/workers"), "ru")
	if !strings.Contains(texts, "Из последних 200 результатов отклонений 100, заказов 100") {
		t.Errorf("got %s, want %q in Russian", texts, pause.Reason)
	}
}
