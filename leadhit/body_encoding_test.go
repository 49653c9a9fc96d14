package leadhit_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"leadhit-sync/integration/peer"
	"leadhit-sync/retry"
)

func packed(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func TestAnAnswerInAnotherEncodingIsReadOrNamed(t *testing.T) {
	t.Parallel()
	const (
		good    = `{"jsonrpc":"2.0","result":true,"id":"t-0-1"}`
		refusal = `{"jsonrpc":"2.0","error":{"code":-32000,"data":{"type":"ValidationError","message":"no"}},"id":"t-0-1"}`
		mark    = "\ufeff"
	)
	for name, c := range map[string]struct {
		encoding, body string
		kind           retry.Kind
		says           string // text that the message must contain
	}{
		"a byte order mark":          {"", mark + good, retry.Done, ""},
		"gzip":                       {"gzip", packed(good), retry.Done, ""},
		"gzip by its old name":       {"X-GZIP", packed(good), retry.Done, ""},
		"gzip without a header":      {"", packed(good), retry.Done, ""},
		"gzip under another name":    {"br", packed(good), retry.Done, ""},
		"gzip that was unpacked":     {"gzip", good, retry.Done, ""},
		"its header in capitals":     {" GZIP ", good, retry.Done, ""},
		"a byte order mark in gzip":  {"gzip", packed(mark + good), retry.Done, ""},
		"a refusal in gzip":          {"gzip", packed(refusal), retry.DeadLetter, "no"},
		"identity":                   {"identity", good, retry.Done, ""},
		"brotli":                     {"br", "\x8b\x15\x80", retry.Again, "compressed with br, which we did not ask for"},
		"zstd":                       {"zstd", "\x28\xb5\x2f\xfd", retry.Again, "compressed with zstd"},
		"gzip that ends early":       {"gzip", packed(good)[:30], retry.Again, "compressed with gzip and cannot be decompressed"},
		"gzip that unpacks to 2 MiB": {"gzip", packed(good + strings.Repeat(" ", 2<<20)), retry.Again, "longer than 1 MiB"},
		"UTF-16, low byte first":     {"", "\xff\xfe{\x00\"\x00", retry.Again, "UTF-16"},
		"UTF-16, high byte first":    {"", "\xfe\xff\x00{\x00\"", retry.Again, "UTF-16"},
		"gzip around another page":   {"gzip", packed("<html>"), retry.Again, "not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t, open(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if c.encoding != "" {
					w.Header().Set("Content-Encoding", c.encoding)
				}
				_, _ = io.WriteString(w, c.body)
			})))
			if got.Kind != c.kind || !strings.Contains(got.Message, c.says) {
				t.Errorf("got %v %q (%s), want %v with %q", got.Kind, got.Cause, got.Message, c.kind, c.says)
			}
			checkText(t, got)
		})
	}
}

func TestAnErrorPageInGzipCanBeRead(t *testing.T) {
	t.Parallel()
	got := call(t, open(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, packed("the shop is closed"))
	})))
	if got.Cause != "HTTP 502" || !strings.Contains(got.Message, "the shop is closed") {
		t.Errorf("got %q (%s), want HTTP 502 with the page's text", got.Cause, got.Message)
	}
}

func TestAnEndlessHeadCostsNoMemory(t *testing.T) {
	for name, sends := range map[string]struct{ first, again string }{
		"one header":       {"HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", 64<<10)},
		"many headers":     {"HTTP/1.1 200 OK\r\n", strings.Repeat("X-Name: value\r\n", 4<<10)},
		"a status line":    {"HTTP/1.1 200 ", strings.Repeat("O", 64<<10)},
		"many early hints": {"", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 1<<10)},
		"many trailers":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\n", strings.Repeat("X: value\r\n", 4<<10)},
		"chunk extensions": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", strings.Repeat("x", 64<<10)},
	} {
		t.Run(name, func(t *testing.T) {
			client := open(t, "http://"+peer.Listen(t, sends.first, sends.again)+"/")
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := call(t, client)
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; got.Kind != retry.Again || took > 16<<20 {
				t.Errorf("got %v %q, %d MiB allocated, want again and at most 16 MiB", got.Kind, got.Cause, took>>20)
			}
		})
	}
}
