package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestTheDeskServesPagesUntilItIsStopped(t *testing.T) {
	node := installed(t)
	t.Setenv("DESK_ADDR", "127.0.0.1:0")
	f := followed(t, "run")
	await(t, "both calls", func() bool { return node.Count() == 2 })
	await(t, "the letter", func() bool { return len(letterIDs(t)) == 1 })
	d := followed(t, "desk", "--workers", "127.0.0.1:1")
	d.until(`"msg":"listening"`)
	_, addr, _ := strings.Cut(d.said.String(), `"addr":"`)
	addr, _, _ = strings.Cut(addr, `"`)
	await(t, "the letter on the page", func() bool { return strings.Contains(page(t, "http://"+addr+"/letters"), "ValidationError") })
	if got := page(t, "http://"+addr+"/orders?id=4712"); !strings.Contains(got, "orders/1/0") {
		t.Errorf("got %s, want the event of the order", got)
	}
	code, said := d.end()
	if code != 0 || !strings.Contains(said, `"msg":"stopped"`) || strings.Contains(said, key) {
		t.Errorf("got exit code %d and\n%s\nwant 0, the final line and no key", code, said)
	}
	f.end()
}

func page(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %s, %v, want 200\n%s", url, answer.Status, err, body)
	}
	return string(body)
}
