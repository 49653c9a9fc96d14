package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"leadhit-sync/consumer/mapping/schema"
)

const (
	// missHolds is how long an unknown id or a broken schema is remembered. It is short, because the schema may be
	// registered soon.
	missHolds = 10 * time.Second
	// failureHolds is how long a failure is remembered. It is long enough that concurrent callers for the same id do not
	// each wait for a timeout of their own.
	failureHolds = time.Second
	// fetchTimeout limits the time to fetch one schema with all its references.
	fetchTimeout = 15 * time.Second
	// maxMisses limits how many ids without a schema are remembered. Ids come from outside, and there are 2^32 of them.
	maxMisses = 1000
	// maxReferences limits how many other schemas one schema may refer to.
	maxReferences = 200
)

// A miss is an id for which no schema has been found so far.
type miss struct {
	// turn is a lock. Its holder may query the registry, and read and write the fields below.
	turn  chan struct{}
	err   error
	until time.Time // when err expires
}

// Lookup is a [schema.Lookup]. Its errors name the id, never the registry's own text.
func (c *Client) Lookup(ctx context.Context, id int) (*schema.Schema, error) {
	found, m := c.known(id)
	if found != nil {
		return found, nil
	}
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	// Another caller may have found the schema while this one waited for its turn.
	if found, _ = c.known(id); found != nil {
		return found, nil
	}
	if time.Now().Before(m.until) {
		return nil, m.err
	}
	found, err := c.fetch(ctx, id)
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause // this caller gave up, which says nothing about the registry
	}
	c.logChange(ctx, err)
	if err != nil {
		m.err, m.until = fmt.Errorf("schema registry: id %d: %w", id, err), time.Now().Add(missHolds)
		if errors.Is(err, schema.ErrUnreachable) {
			m.until = time.Now().Add(failureHolds)
		}
		return nil, m.err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.schemas[id] = found
	delete(c.misses, id)
	return found, nil
}

// known returns the schema of an id, or else the id's miss, which it adds if there is none yet. At the limit all misses
// are dropped first. A caller that holds one of them still finishes with it; at worst the registry is queried twice.
func (c *Client) known(id int) (*schema.Schema, *miss) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found := c.schemas[id]; found != nil {
		return found, nil
	}
	m, ok := c.misses[id]
	if !ok {
		if len(c.misses) >= maxMisses {
			clear(c.misses)
		}
		m = &miss{turn: make(chan struct{}, 1)}
		c.misses[id] = m
	}
	return nil, m
}

// logChange logs when schemas can no longer be looked up, and when they can be again. "No such schema" counts as a
// response.
func (c *Client) logChange(ctx context.Context, err error) {
	silent := errors.Is(err, schema.ErrUnreachable)
	if c.silent.Swap(silent) == silent {
		return
	}
	if silent {
		c.log.WarnContext(ctx, "cannot look up schemas; events that need them wait; check SCHEMA_REGISTRY_URL",
			slog.Any("error", err))
	} else {
		c.log.InfoContext(ctx, "schemas can be looked up again")
	}
}

// fetch gets a schema with all its references, and compiles it.
func (c *Client) fetch(ctx context.Context, id int) (*schema.Schema, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	text, err := c.registry.SchemaByID(ctx, id)
	if err != nil {
		return nil, judge(err)
	}
	if text.Schema == "" {
		return nil, fmt.Errorf("%w: a response without a schema", schema.ErrUnreachable)
	}
	r := references{registry: c.registry, met: map[sr.SchemaReference]bool{}}
	if text.Type != sr.TypeJSON {
		if err := r.follow(ctx, text.References); err != nil {
			return nil, err
		}
	}
	switch text.Type {
	case sr.TypeAvro:
		return schema.Avro(text.Schema, r.found...)
	case sr.TypeProtobuf:
		found, err := schema.Protobuf(ctx, text.Schema, r.found...)
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("%w: no time left to compile the schema", schema.ErrUnreachable)
		}
		return found, err
	case sr.TypeJSON:
		return schema.JSON(), nil
	}
	return nil, fmt.Errorf("%w: the schema's type is not Avro, Protobuf or JSON", schema.ErrNotDecodable)
}

// references collects the schemas that one schema needs, each before the schemas that need it.
type references struct {
	registry *sr.Client
	met      map[sr.SchemaReference]bool
	found    []schema.Reference
}

// follow collects the schemas that a schema refers to, each after the schemas that it needs itself. Each schema is read
// once, so a cycle of references ends.
func (r *references) follow(ctx context.Context, all []sr.SchemaReference) error {
	for _, reference := range all {
		if r.met[reference] {
			continue
		}
		if r.met[reference] = true; len(r.met) > maxReferences {
			return fmt.Errorf("%w: the schema needs more than %d others", schema.ErrNotDecodable, maxReferences)
		}
		// The subject of a reference may have been deleted since the events were written.
		withDeleted := sr.WithParams(ctx, sr.ShowDeleted)
		text, err := r.registry.SchemaByVersion(withDeleted, reference.Subject, reference.Version)
		if err != nil {
			return fmt.Errorf("reference %s: %w", reference.Name, judge(err))
		}
		if err := r.follow(ctx, text.References); err != nil {
			return err
		}
		r.found = append(r.found, schema.Reference{Name: reference.Name, Text: text.Schema.Schema})
	}
	return nil
}

// judge distinguishes a registry that lacks the schema from a registry that cannot respond. Only the registry's own
// codes, 404xx such as 40403, count as "no such schema". A bare 404 indicates a wrong address. If it counted as well,
// every event would become a letter. The response's text is dropped, because it may contain anything.
func judge(err error) error {
	if response, ok := errors.AsType[*sr.ResponseError](err); ok {
		if response.StatusCode == http.StatusNotFound && response.ErrorCode/100 == http.StatusNotFound {
			return fmt.Errorf("%w: code %d", schema.ErrUnknown, response.ErrorCode)
		}
		return fmt.Errorf("%w: HTTP status %d", schema.ErrUnreachable, response.StatusCode)
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	return fmt.Errorf("%w: %w", schema.ErrUnreachable, err)
}
