package sandbox_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"leadhit-sync/leadhit/sandbox"
)

func TestACutAnswerBreaksOffInItsMiddle(t *testing.T) {
	t.Parallel()
	const whole = `{"result":true,"id":"t-0-1","jsonrpc":"2.0"}`
	node, url := start(t, sandbox.Options{Faults: sandbox.Faults{Cuts: 1}})
	status, header, text, err := post(t.Context(), url+"/worker-1/", "k", frame+`["A-1","paid"]}`)
	if status != 200 || header.Get("Content-Length") != "44" || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %d %v, %v, want a response of %d bytes and a reset", status, header, err, len(whole))
	}
	if text == "" || len(text) == len(whole) || !strings.HasPrefix(whole, text) {
		t.Errorf("got %q, want a part of %q", text, whole)
	}
	call := node.Calls()[0]
	if call.Answer != sandbox.Cut || !call.Executed || call.Path != "/worker-1/" {
		t.Errorf("got %+v, want a call to /worker-1/ that was executed and cut", call)
	}
	if got := node.Statuses()["A-1"]; got != "paid" {
		t.Errorf("got status %q, want paid", got)
	}
}
