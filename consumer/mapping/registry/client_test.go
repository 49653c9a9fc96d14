package registry_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"leadhit-sync/consumer/mapping/registry"
	"leadhit-sync/consumer/mapping/schema"
)

func TestEachRequestCarriesTheLogin(t *testing.T) {
	fake := &lookalike{answers: map[string]answer{
		"/below/schemas/ids/41": {200, object("", `"long"`)}, "/below/schemas/ids/42": {200, object("", `"long"`)},
		"/below/schemas/ids/43": {200, object("", `"long"`)},
	}}
	server := httptest.NewTLSServer(fake)
	t.Cleanup(server.Close)
	password, ca := filepath.Join(t.TempDir(), "password"), filepath.Join(t.TempDir(), "ca.pem")
	write := func(name string, text []byte) {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	write(password, []byte("s3cret\n"))
	find, _, _ := setupRegistry(t, registry.Options{URL: server.URL + "/below", CAFile: ca, Username: "me", PasswordFile: password})
	mustRead(t, find, 41, "\x02", "1")
	write(password, []byte("n3w"))
	mustRead(t, find, 42, "\x02", "1")
	if got, want := fmt.Sprint(fake.logins), "[me:s3cret me:n3w]"; got != want {
		t.Errorf("got logins %s, want %s", got, want)
	}
	if err := os.Remove(password); err != nil {
		t.Fatal(err)
	}
	mustRead(t, find, 43, "\x02", "1")
	if got := fake.logins[len(fake.logins)-1]; got != "me:n3w" {
		t.Errorf("got the login %s while the file is missing, want the last good one", got)
	}

	strangers, _, _ := setupRegistry(t, registry.Options{URL: server.URL + "/below"})
	if _, err := strangers(t.Context(), 41); !errors.Is(err, schema.ErrUnreachable) {
		t.Errorf("got %v, want ErrUnreachable from a server that is not trusted", err)
	}
}

func TestACAFileWithoutCertificatesIsRefused(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + ".absent"} {
		_, err := registry.Open(registry.Options{URL: "https://registry", CAFile: file})
		var mistake *registry.OptionError
		if !errors.As(err, &mistake) || mistake.Option != "ca file" || strings.Contains(err.Error(), file) {
			t.Errorf("got %v, want an OptionError about the ca file without the path", err)
		}
	}
}
