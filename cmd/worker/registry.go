package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"leadhit-sync/consumer/mapping/schema"
)

const (
	// A schema never changes, so one that was found is kept for good. That there is none can change when somebody
	// registers it; that nobody answers is remembered just long enough for those who ask at the same moment.
	noSchemaFor = 10 * time.Second
	noAnswerFor = time.Second
	// registryLimit is how long a schema may take with all that it builds upon.
	registryLimit = 15 * time.Second
	// registryMissing is how many ids without a schema are remembered: ids come from outside, and there are 2^32.
	registryMissing = 1000
	// registryReferences is how many other schemas one may build upon.
	registryReferences = 200
)

// A registry finds schemas in a schema registry that speaks Confluent's API. It is safe for concurrent use, asks once
// for those who want the same schema at the same time, and never again for one that it has found. It starts no
// goroutine. That the registry stops answering is logged once, and that it answers again.
type registry struct {
	client *sr.Client
	http   *http.Client
	log    *slog.Logger
	silent atomic.Bool

	mu      sync.Mutex
	entries map[int]*registryEntry
}

// A registryEntry is what is known about an id.
type registryEntry struct {
	found atomic.Pointer[schema.Schema]
	// turn holds one token; whoever has it may ask, and read and write what follows.
	turn  chan struct{}
	err   error
	until time.Time // how long err holds
}

// lookup is a schema.Lookup. Its errors name the id, never what the registry said.
func (r *registry) lookup(ctx context.Context, id int) (*schema.Schema, error) {
	e := r.entry(id)
	if found := e.found.Load(); found != nil {
		return found, nil
	}
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	// While we waited for our turn, another may have found out.
	if found := e.found.Load(); found != nil {
		return found, nil
	}
	if time.Now().Before(e.until) {
		return nil, e.err
	}
	found, err := r.fetch(ctx, id)
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause // that we were called off says nothing about the registry
	}
	r.tell(ctx, err)
	if err != nil {
		e.err, e.until = fmt.Errorf("schema registry: id %d: %w", id, err), time.Now().Add(noSchemaFor)
		if errors.Is(err, schema.ErrUnreachable) {
			e.until = time.Now().Add(noAnswerFor)
		}
		return nil, e.err
	}
	e.found.Store(found)
	return found, nil
}

// entry finds or makes the entry of an id. When there are too many, those without a schema go: who holds one of them
// finishes with it, and at worst a question is asked twice.
func (r *registry) entry(id int) *registryEntry {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entries[id]
	if !ok {
		if len(r.entries) >= registryMissing {
			maps.DeleteFunc(r.entries, func(_ int, e *registryEntry) bool { return e.found.Load() == nil })
		}
		e = &registryEntry{turn: make(chan struct{}, 1)}
		r.entries[id] = e
	}
	return e
}

// tell logs when the registry stops answering and when it answers again. An answer that there is no such schema is one.
func (r *registry) tell(ctx context.Context, err error) {
	silent := errors.Is(err, schema.ErrUnreachable)
	if r.silent.Swap(silent) == silent {
		return
	}
	if silent {
		r.log.WarnContext(ctx, "schema registry does not respond; events that need it wait; check SCHEMA_REGISTRY_URL", slog.Any("error", err))
	} else {
		r.log.InfoContext(ctx, "schema registry answers again")
	}
}

// fetch gets a schema with all that it builds upon, and compiles it.
func (r *registry) fetch(ctx context.Context, id int) (*schema.Schema, error) {
	ctx, cancel := context.WithTimeout(ctx, registryLimit)
	defer cancel()
	text, err := r.client.SchemaByID(ctx, id)
	if err != nil {
		return nil, judgeRegistry(err)
	}
	if text.Schema == "" {
		return nil, fmt.Errorf("%w: an answer without a schema", schema.ErrUnreachable)
	}
	w := walk{client: r.client, met: map[sr.SchemaReference]bool{}}
	if text.Type != sr.TypeJSON {
		if err := w.follow(ctx, text.References); err != nil {
			return nil, err
		}
	}
	switch text.Type {
	case sr.TypeAvro:
		return schema.Avro(text.Schema, w.found...)
	case sr.TypeProtobuf:
		found, err := schema.Protobuf(ctx, text.Schema, w.found...)
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("%w: no time left to compile it", schema.ErrUnreachable)
		}
		return found, err
	case sr.TypeJSON:
		return schema.JSON(), nil
	}
	return nil, fmt.Errorf("%w: its type is none of Avro, Protobuf and JSON", schema.ErrNotDecodable)
}

// A walk gathers what a schema builds upon, each before those that need it.
type walk struct {
	client *sr.Client
	met    map[sr.SchemaReference]bool
	found  []schema.Reference
}

func (w *walk) follow(ctx context.Context, references []sr.SchemaReference) error {
	for _, reference := range references {
		if w.met[reference] {
			continue
		}
		if w.met[reference] = true; len(w.met) > registryReferences {
			return fmt.Errorf("%w: it builds upon more than %d others", schema.ErrNotDecodable, registryReferences)
		}
		// A subject that was deleted since is still what the events were written with.
		text, err := w.client.SchemaByVersion(sr.WithParams(ctx, sr.ShowDeleted), reference.Subject, reference.Version)
		if err != nil {
			return fmt.Errorf("reference %s: %w", reference.Name, judgeRegistry(err))
		}
		if err := w.follow(ctx, text.References); err != nil {
			return err
		}
		w.found = append(w.found, schema.Reference{Name: reference.Name, Text: text.Schema.Schema})
	}
	return nil
}
