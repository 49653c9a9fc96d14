package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"leadhit-sync/config"
)

const canary = "canary-7f3a91"

func secret(t *testing.T) config.Secret {
	t.Helper()
	var s config.Secret
	if err := s.UnmarshalText([]byte(canary)); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASecretIsNeverPrinted(t *testing.T) {
	type holder struct {
		Open config.Secret
		hid  config.Secret
	}
	s := secret(t)
	if s.Reveal() != canary {
		t.Fatalf("got %q revealed, want the value", s.Reveal())
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T", "%8.3s", "%p"} {
		for _, value := range []any{s, &s, holder{s, s}, &holder{s, s}, []config.Secret{s}, map[string]config.Secret{"a": s}} {
			refuse(t, verb, fmt.Sprintf(verb, value))
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
		if got := fmt.Sprintf(verb, s); got != "***" {
			t.Errorf("%s: got %s, want ***", verb, got)
		}
	}
	text, err := json.Marshal(holder{s, s})
	if err != nil || string(text) != `{"Open":"***"}` {
		t.Errorf("json: got %s, %v, want ***", text, err)
	}
}

func TestTheZeroSecretIsEmpty(t *testing.T) {
	var s config.Secret
	if s.Reveal() != "" {
		t.Errorf("got %q revealed, want nothing", s.Reveal())
	}
	// The output does not show whether there is a secret.
	if got := fmt.Sprint(s); got != "***" {
		t.Errorf("got %s, want ***", got)
	}
}

func TestASecretThatCannotBeAHeaderIsRefused(t *testing.T) {
	for _, text := range []string{" " + canary, canary + "\r\n", "a\x00b", "a\u2028b", "a\xffb\n"} {
		var s config.Secret
		err := s.UnmarshalText([]byte(text))
		if err == nil || s.Reveal() != "" {
			t.Errorf("%q: got %v and a value of %d bytes, want an error and none", text, err, len(s.Reveal()))
			continue
		}
		refuse(t, "error", err.Error())
	}
}

func TestASecretIsNeverLogged(t *testing.T) {
	s := secret(t)
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		out.Reset()
		slog.New(handler).Info("read", "key", s, "all", []any{s}, "group", slog.GroupValue(slog.Any("key", s)))
		refuse(t, fmt.Sprintf("%T", handler), out.String())
		if !strings.Contains(out.String(), "***") {
			t.Errorf("%T: got %s, want ***", handler, &out)
		}
	}
}

func TestNoErrorAndNoTableHoldsASecret(t *testing.T) {
	for _, env := range [][]string{
		{"LEADHIT_API_KEY", canary},
		{"LEADHIT_API_KEY", canary + " ", "LOG_LEVEL", "x"},
		{"LEADHIT_API_KEY", canary, "LEADHIT_API_KEY_FILE", "/"},
		{"LEADHIT_API_KEY", "", "LEADHIT_API_KEY_FILE", canary},
		{"LEADHIT_API_KEY", "", "LEADHIT_API_KEY_FILE", "/" + canary},
		{"LEADHIT_API_KEY", "", "LEADHIT_API_KEY_FILE", canary + strings.Repeat("a", 5000)},
		{"LEADHIT_URL", "https://user:" + canary + "@leadhit.ru/"},
		{"LEADHIT_URL", "https://leadhit.ru/?key=" + canary},
		{"LEADHIT_URL", "https://" + canary + "%zz/"},
		{"LEADHIT_PROXY", "http://user:" + canary + "@proxy:3128"},
		{"LEADHIT_PROXY", "http://user:" + canary + "%zz@proxy:3128"},
		{"LEADHIT_PROXY", "gopher://user:" + canary + "@proxy:3128"},
		{"KAFKA_SASL_MECHANISM", "SCRAM-SHA-256", "KAFKA_SASL_USERNAME", "me", "KAFKA_SASL_PASSWORD_FILE", canary},
	} {
		setup(t, env...)
		c, err := config.Load()
		refuse(t, env[0]+": error", fmt.Sprintf("%v %+v %#v", err, err, err))
		if err != nil {
			continue
		}
		var out strings.Builder
		if err := c.WriteValues(&out); err != nil {
			t.Fatal(err)
		}
		refuse(t, env[0]+": values", out.String())
		refuse(t, env[0]+": settings", fmt.Sprintf("%v %+v %#v", c, *c, *c))
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		refuse(t, env[0]+": json", string(text))
	}
}

func refuse(t *testing.T, where, text string) {
	t.Helper()
	if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
		t.Errorf("%s: got %q, want no secret", where, text)
	}
}
