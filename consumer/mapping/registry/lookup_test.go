package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leadhit-sync/consumer/mapping/registry"
	"leadhit-sync/consumer/mapping/schema"
)

func TestEachKindOfSchemaIsRequestedOnce(t *testing.T) {
	find, fake, log := setupRegistry(t, registry.Options{})
	for range 3 {
		mustRead(t, find, 41, "\x02", `{"id":1}`)
		mustRead(t, find, 42, "\x00\x08\x02", `{"id":2}`)
		mustRead(t, find, 43, `{"id":3}`, `{"id":3}`)
	}
	if got := fake.count(); got != 3 {
		t.Errorf("got %d requests, want 3: %q", got, fake.asked)
	}
	if log.String() != "" {
		t.Errorf("got %q logged, want nothing", log)
	}
}

func TestReferencesAreFollowedToTheirEnd(t *testing.T) {
	find, fake, _ := setupRegistry(t, registry.Options{})
	fake.set("/schemas/ids/1", 200, object("AVRO", `{"type":"record","name":"O","fields":[{"name":"a","type":"A"},{"name":"m","type":"M"}]}`,
		reference("A", "a-value", 3), reference("M", "money", 1)))
	fake.set("/subjects/a-value/versions/3", 200, object("", `{"type":"record","name":"A","fields":[{"name":"m","type":"M"}]}`, reference("M", "money", 1)))
	fake.set("/subjects/money/versions/1", 200, object("", `{"type":"record","name":"M","fields":[{"name":"n","type":"long"}]}`))
	mustRead(t, find, 1, "\x02\x04", `{"a":{"m":{"n":1}},"m":{"n":2}}`)
	want := []string{"/schemas/ids/1", "/subjects/a-value/versions/3?deleted=true", "/subjects/money/versions/1?deleted=true"}
	if got := fmt.Sprint(fake.asked); got != fmt.Sprint(want) {
		t.Errorf("got requests %s, want %s", got, want)
	}

	fake.set("/schemas/ids/2", 200, object("PROTOBUF", `syntax = "proto3"; import "shop/m.proto"; message O { shop.M m = 1; }`,
		reference("shop/m.proto", "m", 1)))
	fake.set("/subjects/m/versions/1", 200, object("PROTOBUF", `syntax = "proto3"; package shop; message M { int64 n = 1; }`))
	mustRead(t, find, 2, "\x00\x0a\x02\x08\x05", `{"m":{"n":5}}`)
}

// sentinels counts the sentinel errors in package schema that err matches.
func sentinels(err error) (n int) {
	for _, one := range []error{schema.ErrUnknown, schema.ErrUnreachable, schema.ErrNotDecodable} {
		if errors.Is(err, one) {
			n++
		}
	}
	return n
}

func TestFailuresOfTheRegistryAreClassified(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   any
		want   error
	}{
		"no schema has this id":             {404, map[string]any{"error_code": 40403, "message": "Schema 7 not found"}, schema.ErrUnknown},
		"the address leads elsewhere":       {404, "404 page not found", schema.ErrUnreachable},
		"the path leads elsewhere":          {404, map[string]any{"error_code": 404, "message": "HTTP 404 Not Found"}, schema.ErrUnreachable},
		"the password is wrong":             {401, map[string]any{"error_code": 401, "message": "s3cret"}, schema.ErrUnreachable},
		"access is forbidden":               {403, map[string]any{"error_code": 40301, "message": "s3cret"}, schema.ErrUnreachable},
		"too many requests":                 {429, "s3cret", schema.ErrUnreachable},
		"the registry fails":                {500, map[string]any{"error_code": 50001, "message": "s3cret"}, schema.ErrUnreachable},
		"the registry is behind a proxy":    {502, "<html>s3cret", schema.ErrUnreachable},
		"it has moved":                      {307, "", schema.ErrUnreachable},
		"the response is not JSON":          {200, "<html>log in, s3cret", schema.ErrUnreachable},
		"the response has no schema":        {200, map[string]any{}, schema.ErrUnreachable},
		"the response has no end":           {200, `{"schema":"` + strings.Repeat("s3cret", 2<<20) + `"}`, schema.ErrUnreachable},
		"the text is not a schema":          {200, object("", `{"type":"record"}`), schema.ErrNotDecodable},
		"the text is not Protobuf":          {200, object("PROTOBUF", `message {`), schema.ErrNotDecodable},
		"a reference leads nowhere":         {200, object("", `"int"`, reference("M", "gone", 1)), schema.ErrUnknown},
		"references that have no end":       {200, object("", `"int"`, reference("s", "s", 0)), schema.ErrNotDecodable},
		"a reference that refers to itself": {200, object("", `"M"`, reference("M", "self", 1)), schema.ErrNotDecodable},
	} {
		t.Run(name, func(t *testing.T) {
			find, fake, log := setupRegistry(t, registry.Options{})
			for i := range 300 { // a longer chain than may be followed
				fake.set(fmt.Sprintf("/subjects/s/versions/%d", i), 200, object("", `"int"`, reference("s", "s", i+1)))
			}
			fake.set("/subjects/self/versions/1", 200, object("", `"M"`, reference("M", "self", 1)))
			fake.set("/schemas/ids/7", test.status, test.body)
			if got, err := find(t.Context(), 7); got != nil || !errors.Is(err, test.want) || sentinels(err) != 1 {
				t.Fatalf("got %v, %v, want %v and no other of the schema's errors", got, err, test.want)
			}
			_, err := find(t.Context(), 7) // the same id
			if !strings.Contains(err.Error(), "id 7") || strings.Contains(err.Error()+log.String(), "s3cret") {
				t.Errorf("got %v and %q logged, want the id and nothing of the response", err, log)
			}
			if got := strings.Count(log.String(), "cannot look up schemas"); (got == 1) != errors.Is(test.want, schema.ErrUnreachable) {
				t.Errorf("got %q logged, want a line if and only if schemas cannot be looked up", log)
			}
		})
	}
}

func TestAClosedPortIsUnreachable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	find, _, _ := setupRegistry(t, registry.Options{URL: server.URL})
	if _, err := find(t.Context(), 41); !errors.Is(err, schema.ErrUnreachable) || strings.Contains(err.Error(), "Get ") {
		t.Errorf("got %v, want ErrUnreachable and only the network's error", err)
	}
}

func TestAMissingSchemaIsRequestedAgainLater(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   any
		holds  time.Duration
	}{
		"an unknown id":      {404, map[string]any{"error_code": 40403}, 10 * time.Second},
		"a broken schema":    {200, object("", "{"), 10 * time.Second},
		"a failing registry": {500, "", time.Second},
		"a wrong password":   {401, "", time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				find, fake, _ := setupRegistry(t, registry.Options{})
				fake.set("/schemas/ids/7", test.status, test.body)
				for range 3 {
					if _, err := find(t.Context(), 7); err == nil {
						t.Fatal("got a schema, want an error")
					}
				}
				fake.set("/schemas/ids/7", 200, object("", `"long"`))
				time.Sleep(test.holds - time.Millisecond)
				if _, err := find(t.Context(), 7); err == nil || fake.count() != 1 {
					t.Errorf("got %v after %d requests, want the first error and one request", err, fake.count())
				}
				time.Sleep(time.Millisecond)
				mustRead(t, find, 7, "\x02", "1")
			})
		})
	}
}

func TestSilenceIsLoggedWhenItBeginsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		find, fake, log := setupRegistry(t, registry.Options{})
		for _, status := range []int{500, 502, 404, 500, 200} {
			fake.set("/schemas/ids/7", status, map[string]any{"error_code": 40403})
			if status == 200 {
				fake.set("/schemas/ids/7", 200, object("", `"long"`))
			}
			_, _ = find(t.Context(), 7)
			time.Sleep(time.Minute)
		}
		var got []string
		for line := range strings.Lines(log.String()) {
			_, message, _ := strings.Cut(line, "level=")
			got = append(got, strings.TrimSpace(message))
		}
		want := []string{
			`WARN msg="cannot look up schemas; events that need them wait; check SCHEMA_REGISTRY_URL" error="schema: not reachable: HTTP status 500"`,
			`INFO msg="schemas can be looked up again"`,
			`WARN msg="cannot look up schemas; events that need them wait; check SCHEMA_REGISTRY_URL" error="schema: not reachable: HTTP status 500"`,
			`INFO msg="schemas can be looked up again"`,
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got logged\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestConcurrentLookupsOfASchemaShareARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		find, fake, _ := setupRegistry(t, registry.Options{})
		fake.before = func(*http.Request) { time.Sleep(time.Second) }
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { mustRead(t, find, 41, "\x02", `{"id":1}`) })
		}
		all.Wait()
		if got := fake.count(); got != 1 {
			t.Errorf("got %d requests, want 1", got)
		}
	})
}

func TestACancelledLookupDoesNotFailTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		find, fake, log := setupRegistry(t, registry.Options{})
		fake.before = func(*http.Request) { time.Sleep(time.Second) }
		stopped := errors.New("stopped")
		ctx, stop := context.WithCancelCause(t.Context())
		var all sync.WaitGroup
		for range 2 { // one sends the request, and the other waits for its result
			all.Go(func() {
				if _, err := find(ctx, 41); !errors.Is(err, stopped) || errors.Is(err, schema.ErrUnreachable) {
					t.Errorf("got %v, want the context's cause alone", err)
				}
			})
		}
		synctest.Wait()
		all.Go(func() { mustRead(t, find, 41, "\x02", `{"id":1}`) })
		stop(stopped)
		all.Wait()
		if log.String() != "" {
			t.Errorf("got %q logged, want nothing", log)
		}
	})
}

func TestARegistryThatHangsIsUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		find, fake, _ := setupRegistry(t, registry.Options{})
		fake.before = func(r *http.Request) { <-r.Context().Done() }
		begin := time.Now()
		_, err := find(t.Context(), 41)
		if took := time.Since(begin); !errors.Is(err, schema.ErrUnreachable) || took != 5*time.Second {
			t.Errorf("got %v after %s, want ErrUnreachable after 5s", err, took)
		}
	})
}

func TestUnknownIDsDoNotFillTheMemory(t *testing.T) {
	find, fake, _ := setupRegistry(t, registry.Options{})
	mustRead(t, find, 41, "\x02", `{"id":1}`)
	for id := range 3000 {
		_, _ = find(t.Context(), 1000+id)
	}
	before := fake.count()
	_, _ = find(t.Context(), 1000) // dropped by now
	mustRead(t, find, 41, "\x02", `{"id":1}`)
	if got := fake.count() - before; got != 1 {
		t.Errorf("got %d requests, want 1: the oldest id is requested again, but the schema is not", got)
	}
}

func TestManySchemasDoNotDisplaceTheMisses(t *testing.T) {
	find, fake, _ := setupRegistry(t, registry.Options{})
	for id := range 1500 {
		fake.set(fmt.Sprintf("/schemas/ids/%d", 5000+id), 200, map[string]any{"schema": `"string"`})
		if _, err := find(t.Context(), 5000+id); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		for id := range 20 {
			_, _ = find(t.Context(), 1000+id)
		}
	}
	if got := fake.count(); got != 1500+20 {
		t.Errorf("got %d requests, want %d: one per id", got, 1500+20)
	}
}
