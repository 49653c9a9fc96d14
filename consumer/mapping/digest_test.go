package mapping_test

import (
	"os"
	"path/filepath"
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
		{"the same with one field more", file("b.yaml", "version: 1\npreset: shopify\nfields: {order_id: {path: $.name, type: id}}\n")},
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
		t.Errorf("got %s before and after a schema beside the mapping changed, want another", after)
	}
}
