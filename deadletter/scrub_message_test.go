package deadletter_test

import (
	"strings"
	"testing"

	"leadhit-sync/deadletter"
)

// stored returns the message as the letter's header shows it.
func stored(l deadletter.Letter) string {
	for _, h := range l.Encode().Headers {
		if h.Key == "__connect.errors.exception.message" {
			return string(h.Value)
		}
	}
	return ""
}

func TestMessagesAreScrubbedBeforeTheyBecomeAHeader(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, message, want string }{
		{"nothing to hide", "Possible statuses: paid, submitted", "Possible statuses: paid, submitted"},
		{"an e-mail address", "no buyer ivan.petrov+x@mail.example.ru, sorry", "no buyer <e-mail>, sorry"},
		{"an e-mail address in quotation marks", "invalid e-mail 'a@b'", "invalid e-mail '…'"},
		{"an e-mail address in Cyrillic", "почта иван@почта.рф неверна", "почта <e-mail> неверна"},
		{"a name in quotation marks", `unknown buyer "Иван Петров"`, `unknown buyer "…"`},
		{"a name in guillemets", "покупатель «Иван» неизвестен", "покупатель «…» неизвестен"},
		{"an identifier in quotation marks", "'NoneType' object has no attribute 'order_id'", "'NoneType' object has no attribute 'order_id'"},
		{"the order id in quotation marks", "order '4711' not found", "order '4711' not found"},
		{"the status in quotation marks", `status "lost!" unknown`, `status "lost!" unknown`},
		{"another number in quotation marks", "order '4712' not found", "order '…' not found"},
		{"an apostrophe", "can't find it, don't ask", "can't find it, don't ask"},
		{"a quotation whose end was cut off", `bad value "Иван Пет`, `bad value "…`},
		{"a quotation that never ends", "bad value '" + strings.Repeat("Иван ", 2000) + "'", "bad value '…"},
		{"a quotation beside a number", `17"Иван"`, `17"…"`},
		{"a telephone number", "call +7 (999) 123-45-67 now", "call <number> now"},
		{"a telephone number without spaces", "call 89991234567", "call <number>"},
		{"a card number", "card 4111 1111 1111 1111 declined", "card <number> declined"},
		{"a short number", "HTTP 503 after 17 tries", "HTTP 503 after 17 tries"},
		{"a date", "since 2026-11-22 10:00:00 UTC", "since 2026-11-22 10:00:00 UTC"},
		{"an address of a host", "dial tcp 10.12.130.141:443: connection refused", "dial tcp 10.12.130.141:443: connection refused"},
		{"a host's name", "lookup broker-1.kafka.svc.cluster.local: no such host", "lookup broker-1.kafka.svc.cluster.local: no such host"},
		{"a UUID", "request 0b9f6f4e-3e0f-4c60-9d0f-4b8f5f2a7f11 failed", "request 0b9f6f4e-3e0f-4c60-9d0f-4b8f5f2a7f11 failed"},
		{"a token", "key sk9f2c41d07ab3e5f60718293a4b rejected", "key <secret> rejected"},
		{"a password", "password: hunter7", "password: <secret>"},
		{"a key in quotation marks", `api_key = "abc"`, `api_key = "…"`},
		{"a bearer", "Authorization: Bearer abc.def", "Authorization: <secret> <secret>"},
		{"lines", "first\r\nsecond\x00third\u2028fourth", "first  second third fourth"},
		{"text that changes direction", "abc\u202edef\u2066ghi", "abcdefghi"},
		{"broken UTF-8", "a\xffb", "a\ufffdb"},
		{"nothing", " \n", "(no message)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := refused()
			l.Message, l.Status = c.message, "lost!"
			if got := stored(l); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestALongOrderIDStaysInItsMessage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ id, message, want string }{
		{"5501112223334", "order 5501112223334 (404) unknown", "order 5501112223334 (404) unknown"},
		{"5501112223334", "order 5501112223334 of +7 999 123-45-67", "order 5501112223334 of <number>"},
		{"5501112223334", "order 55011122233345", "order <number>"},
		{"sk9f2c41d07ab3e5f60718293a4b", "order sk9f2c41d07ab3e5f60718293a4b unknown", "order sk9f2c41d07ab3e5f60718293a4b unknown"},
		{"a@b.ru", "order a@b.ru, buyer c@d.ru", "order a@b.ru, buyer <e-mail>"},
	} {
		l := refused()
		l.OrderID, l.Message = c.id, c.message
		if got := stored(l); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestFingerprintsGroupLettersOfOneCause(t *testing.T) {
	t.Parallel()
	first := refused()
	first.Message = "order 4711 of a@b.ru: 'x y' is older than 2026-11-22T09:14:03Z"
	same := func(name string, change func(*deadletter.Letter)) {
		l := first
		change(&l)
		if got, want := l.Fingerprint(), first.Fingerprint(); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	same("another order", func(l *deadletter.Letter) {
		l.OrderID = "A-12"
		l.Message = "order A-12 of c@d.com: 'z' is older than 2025-01-02T19:14:03Z"
	})
	same("an id of several words", func(l *deadletter.Letter) {
		l.OrderID = "ИМ-2026/№ 395"
		l.Message = "order ИМ-2026/№ 395 of a@b.ru: '' is older than 2026-11-22T09:14:03Z"
	})
	same("an id without digits", func(l *deadletter.Letter) {
		l.OrderID = "первый"
		l.Message = "order первый of a@b.ru: '' is older than 2026-11-22T09:14:03Z"
	})
	same("another place and time", func(l *deadletter.Letter) {
		l.Offset, l.Partition, l.Attempts, l.Version = 1, 2, 3, "2.0.0"
	})
	same("another end of a long message", func(l *deadletter.Letter) {
		*l = first
	})

	differ := func(name string, change func(*deadletter.Letter)) {
		l := first
		change(&l)
		if l.Fingerprint() == first.Fingerprint() {
			t.Errorf("%s: got the same fingerprint %s", name, l.Fingerprint())
		}
	}
	differ("another stage", func(l *deadletter.Letter) { l.Stage = deadletter.StageMapping })
	differ("another cause", func(l *deadletter.Letter) { l.Cause = "InvalidParams" })
	differ("another code", func(l *deadletter.Letter) { l.Code = 400 })
	differ("other words", func(l *deadletter.Letter) { l.Message = "no such order" })
}

func TestAFingerprintLooksAtTwoHundredCharacters(t *testing.T) {
	t.Parallel()
	a, b, c := refused(), refused(), refused()
	a.Message = strings.Repeat("щ", 200) + " one"
	b.Message = strings.Repeat("щ", 200) + " two"
	c.Message = strings.Repeat("щ", 199) + " two"
	if a.Fingerprint() != b.Fingerprint() {
		t.Error("got two fingerprints for messages that differ only after 200 characters")
	}
	if a.Fingerprint() == c.Fingerprint() {
		t.Error("got one fingerprint for messages that differ within 200 characters")
	}
}

func TestAFingerprintKeepsItsForm(t *testing.T) {
	t.Parallel()
	// A change to the fingerprint's form or rule regroups all stored letters. Such a change must turn "v1" into "v2".
	if got, want := refused().Fingerprint(), "v1:"; !strings.HasPrefix(got, want) || len(got) != len("v1:9f2c41d07ab3") {
		t.Errorf("got %q, want v1: and 12 hex digits", got)
	}
}
