package mapping_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"leadhit-sync/consumer/mapping"
)

func digestOf(t *testing.T, source string) string {
	t.Helper()
	m, err := mapping.Load(mapping.Options{Source: source})
	if err != nil {
		t.Fatal(err)
	}
	digest := m.Digest()
	if len(digest) != 12 {
		t.Errorf("%s: got digest %q, want 12 digits", source, digest)
	}
	return digest
}

func TestEachMappingHasADigestOfItsOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const avro = "version: 1\nname: a\ndecode: avro\nschemas: [{id: 1, file: order.avsc}]\nfields: {order_id: {path: $.id, type: id}, status: {path: $.state}}\nstatus: {paid: [x]}\n"
	const schema = `{"type":"record","name":"order","fields":[{"name":"id","type":"string"},{"name":"state","type":"string"}`
	seen := map[string]string{}
	for _, source := range []struct{ name, path string }{
		{"a preset", "plain"},
		{"another preset", "shopify"},
		{"a file over a preset", file("a.yaml", "version: 1\npreset: shopify\n")},
		{"the same with one more field", file("b.yaml", "version: 1\npreset: shopify\nfields: {order_id: {path: $.name, type: id}}\n")},
	} {
		digest := digestOf(t, source.path)
		if other := seen[digest]; other != "" {
			t.Errorf("got %s for %s and %s, want them to differ", digest, source.name, other)
		}
		seen[digest] = source.name
		if again := digestOf(t, source.path); again != digest {
			t.Errorf("%s: got %s, then %s, want the same each time", source.name, digest, again)
		}
	}
	withSchema := file("c.yaml", avro)
	file("order.avsc", schema+`]}`)
	before := digestOf(t, withSchema)
	file("order.avsc", schema+`,{"name":"note","type":"string"}]}`)
	if after := digestOf(t, withSchema); after == before {
		t.Errorf("got %s before and after a schema beside the mapping changed, want different digests", after)
	}
}

func TestAFileThatIsAPipeIsRefusedAndNotWaitedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, text := filepath.Join(dir, "pipe.yaml"), filepath.Join(dir, "shop.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	const avro = "version: 1\nname: a\ndecode: avro\nschemas: [{id: 1, file: pipe.yaml}]\n" +
		"fields: {order_id: {path: $.id, type: id}, status: {path: $.state}}\nstatus: {paid: [x]}\n"
	if err := os.WriteFile(text, []byte(avro), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]string{"the mapping": pipe, "a schema beside it": text} {
		_, err := mapping.Load(mapping.Options{Source: source, Topics: []string{"orders"}})
		if err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s: got %v, want it refused as not a regular file", name, err)
		}
	}
}
