package operator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"leadhit-sync/consumer/broker/groups"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/scan"
	"leadhit-sync/deadletter"
	"leadhit-sync/deadletter/ledger"
	"leadhit-sync/deadletter/operator/life"
	"leadhit-sync/deadletter/operator/members"
	"leadhit-sync/deadletter/operator/workerpage"
	"leadhit-sync/deadletter/view"
)

// mostEvents limits the memory and the output. An order has a few events, but a broken producer may write millions.
const mostEvents = 1000

// OrderQuery is what a person asks about an order.
type OrderQuery struct {
	Order string
	// Since is the record time from which each topic is read; zero reads all records.
	Since time.Time
	// Workers returns the URLs of the workers' status pages.
	Workers func(context.Context) ([]string, error)
	// Progress, if not nil, is called while a topic is read, and with the topic "" after all topics were read.
	Progress func(topic string, done, total int64)
}

// orderReader collects all that is known about one order.
type orderReader struct {
	*Reader
	OrderQuery

	life    life.Order
	facts   life.Facts
	byID    map[string]*life.Event
	calls   map[event.Partition]askedCall // the last call of each partition
	history map[string][]life.Step        // by the letter's id
}

// ReadOrder finds out what happened to an order's events. It reads the topics from q.Since on, the group's commits, the
// letters and the ledger, and queries the workers. It needs Topics and Mapping. If ctx ends, it returns what it has
// found. A Reader with an Index reads only the new records in the letters' topic and the ledger; a Reader without an
// Index must not have read anything yet.
func (r *Reader) ReadOrder(ctx context.Context, q OrderQuery) (*life.Order, error) {
	o := &orderReader{
		Reader: r, OrderQuery: q, facts: life.Facts{Group: r.Group},
		byID: map[string]*life.Event{}, calls: map[event.Partition]askedCall{}, history: map[string][]life.Step{},
		life: life.Order{
			Order: q.Order, Since: q.Since.UTC().Truncate(time.Second), Topics: r.Topics,
			Workers: []life.Asked{}, Events: []*life.Event{}, Notes: []life.Note{},
		},
	}
	began := time.Now()
	if err := o.read(ctx); err != nil && ctx.Err() == nil {
		return nil, err
	}
	o.life.Complete, o.life.Seconds = ctx.Err() == nil, time.Since(began).Seconds()
	o.finish()
	return &o.life, nil
}

// read reads the topics, queries the workers, and then reads the group's commits. Letters come last, because a commit
// covers an event only after its letter is stored, so a covered event without a letter never had one. A worker's report
// is older than the commit, so the commit overrules it.
func (r *orderReader) read(ctx context.Context) error {
	defer r.progress("", 0, 0)
	for _, topic := range r.Topics {
		if err := r.readEvents(ctx, topic); err != nil {
			return err
		}
	}
	r.progress("", 0, 0)
	r.answered()
	r.askWorkers(ctx)
	// After an interruption nothing more is read. Otherwise the result would depend on chance, because a broker that is
	// fast enough would still respond.
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := r.commits(ctx); err != nil && ctx.Err() == nil {
		r.note("commits-unread", "the group's commits cannot be read: %v", err)
	}
	return r.readLetters(ctx)
}

func (r *orderReader) progress(topic string, done, total int64) {
	if r.Progress != nil {
		r.Progress(topic, done, total)
	}
}

// readEvents reads the events of one topic.
func (r *orderReader) readEvents(ctx context.Context, topic string) error {
	for record, err := range r.scan(ctx, scan.Range{Topic: topic, From: scan.Position{Time: r.Since}}) {
		if err != nil {
			return err
		}
		r.life.Read++
		items, err := r.Mapping.Decode(ctx, record)
		if err != nil {
			r.life.Unmapped++ // its schema cannot be looked up
			continue
		}
		r.event(record, r.named(ctx, record, items))
	}
	return nil
}

func (r *orderReader) scan(ctx context.Context, what scan.Range) func(func(event.Record, error) bool) {
	what.Progress = func(done, total int64) {
		r.answered()
		r.progress(what.Topic, done, total)
	}
	return scan.Records(ctx, r.Cluster, what)
}

// named adds the order ids of ignored items. A worker does not need these ids, so only Explain reads them.
func (r *orderReader) named(ctx context.Context, record event.Record, items []event.Item) []event.Item {
	if !slices.ContainsFunc(items, func(i event.Item) bool { return i.Action == event.Ignore && i.OrderID == "" }) {
		return items
	}
	explained, err := r.Mapping.Explain(ctx, record)
	if err != nil || len(explained.Orders) != len(items) {
		return items
	}
	for i, o := range explained.Orders {
		for _, f := range o.Fields {
			if f.Name == "order_id" && f.Value != nil && !f.Failed && items[i].OrderID == "" {
				items[i].OrderID = *f.Value
			}
		}
	}
	return items
}

// event keeps the items about the order. An item without an order id is kept if the record's key is the order's id,
// because an event that the mapping refuses early is known only by its key.
func (r *orderReader) event(record event.Record, items []event.Item) {
	for i, item := range items {
		byKey := item.OrderID == "" && string(record.Key) == r.Order
		if item.OrderID != r.Order && !byKey {
			continue
		}
		id := ledger.ID{Topic: record.Topic, Partition: record.Partition, Offset: record.Offset, Item: ledger.NoItem}
		if len(items) > 1 {
			id.Item = i
		}
		e := life.NewEvent(id)
		e.Time = life.JSONTime(record.Time)
		e.Action, e.Status, e.Cause, e.Message, e.By = item.Action.String(), item.Status, item.Cause, item.Message, item.By
		e.ByKey = byKey
		if item.Action == event.Call && calledLater(items[i+1:], r.Order) {
			e.Action, e.Message = event.Ignore.String(), "a later status in the same event is sent instead"
		}
		r.repeats(e, record.Key)
		r.add(e)
	}
}

// askedCall is an event that asks for a call, and its key.
type askedCall struct {
	event *life.Event
	key   []byte
}

// repeats sets e.Repeats if the order's previous call in the partition had the same key and status. Without a key, or
// with another key, a worker calls again, because the order's events may be in other workers' partitions.
func (r *orderReader) repeats(e *life.Event, key []byte) {
	if e.Action != event.Call.String() {
		return
	}
	at := event.Partition{Topic: e.Topic, Number: e.Partition}
	before := r.calls[at]
	if before.event != nil && key != nil && bytes.Equal(before.key, key) && before.event.Status == e.Status {
		e.Repeats = before.event.ID
	}
	r.calls[at] = askedCall{e, key}
}

// calledLater reports whether one of the items asks for a call for the order. If several items of an event do, only the
// last of them gets its call.
func calledLater(items []event.Item, order string) bool {
	return slices.ContainsFunc(items, func(i event.Item) bool { return i.Action == event.Call && i.OrderID == order })
}

// add adds an event. Events beyond the limit are only counted, so that the list is not mistaken for complete.
func (r *orderReader) add(e *life.Event) {
	if len(r.life.Events) == mostEvents {
		r.life.More++
		return
	}
	r.life.Events = append(r.life.Events, e)
	r.byID[e.ID] = e
}

// askWorkers queries all workers for what is left to do for the order.
func (r *orderReader) askWorkers(ctx context.Context) {
	pages, err := r.Workers(ctx)
	if err != nil {
		r.note("workers-not-asked", "no worker was asked: %v", err)
		return
	}
	for i := range pages {
		pages[i] = withOrder(pages[i], r.Order)
	}
	reached := 0
	for _, a := range workerpage.Ask(ctx, pages) {
		w := life.Asked{URL: a.URL, Error: a.Error}
		switch s := a.Status; {
		case s == nil:
		case s.Group != r.Group:
			w.Error = "it belongs to group " + s.Group
		default:
			reached++
			r.facts.Workers = append(r.facts.Workers, *s)
			if s.Order == nil {
				w.Error = "version " + s.Version + " does not report on individual orders"
			}
		}
		r.life.Workers = append(r.life.Workers, w)
	}
	if reached == 0 {
		r.note("workers-silent",
			"no worker of group %s responded, so nothing is known about calls and waits; name the workers with "+
				"--workers", r.Group)
	}
}

// withOrder adds the query for one order to the URL of a status page.
func withOrder(page, order string) string {
	at, err := url.Parse(page)
	if err != nil { // the caller has already parsed it
		return page
	}
	query := at.Query()
	query.Set("order", order)
	at.RawQuery = query.Encode()
	return at.String()
}

// commits reads what the group has committed in the partitions that have events of the order. It first checks whether
// the group exists, because looking up the coordinator of a group that does not exist would create __consumer_offsets.
func (r *orderReader) commits(ctx context.Context) error {
	group, err := members.Of(ctx, r.Cluster, r.Group)
	if err != nil {
		return err
	}
	r.facts.Commits = map[event.Partition]groups.OffsetCommit{}
	if len(group.Members) == 0 {
		r.note("no-members", "group %s has no members: no worker is running", r.Group)
	}
	var partitions []event.Partition
	for _, e := range r.life.Events {
		if p := (event.Partition{Topic: e.Topic, Number: e.Partition}); !slices.Contains(partitions, p) {
			partitions = append(partitions, p)
			r.facts.Commits[p] = groups.OffsetCommit{Partition: p, Next: -1}
		}
	}
	if group.State == groups.Dead {
		return nil
	}
	committed, err := r.Cluster.Committed(ctx, r.Group, partitions)
	if err != nil {
		r.facts.Commits = nil
		return err
	}
	for p, c := range committed {
		r.facts.Commits[p] = c
		bounds, err := r.Cluster.Bounds(ctx, p.Topic, []int{p.Number})
		if err == nil && c.Next > bounds[p.Number].End {
			delete(r.facts.Commits, p)
			r.note("commit-beyond-log",
				"the group's commit of %s is beyond the end of the log, which was truncated or recreated",
				fmt.Sprintf("%s/%d", p.Topic, p.Number))
		}
	}
	return nil
}

// readLetters reads the letters' topic and then the ledger. Either may be missing. Without the letters' topic, there
// are no letters; without the ledger, every letter is open.
func (r *orderReader) readLetters(ctx context.Context) error {
	remember := func(id, order string, s life.Step, l *deadletter.Letter) {
		if r.byID[id] != nil || order == r.Order {
			r.remember(id, s, l)
		}
	}
	if r.indexed {
		return r.readIndexed(ctx, remember)
	}
	err := r.Reader.read(ctx, r.Letters, func(record event.Record) {
		l, err := r.View.Letter(record)
		if err == nil && (l.Group == "" || l.Group == r.Group) {
			remember(l.ID(), l.OrderID, life.LetterStep(l, record.Place), &l)
		}
	})
	if err != nil && !errors.Is(err, kafkaerr.ErrUnknownPartition) {
		return err
	}
	err = r.Reader.read(ctx, ledger.Topic(r.Letters), func(record event.Record) {
		e, counted := r.View.Entry(record)
		if e.ID != "" && e.For(r.Group) {
			remember(e.ID, e.Order, life.EntryStep(e, counted), nil)
		}
	})
	if err != nil && !errors.Is(err, kafkaerr.ErrUnknownPartition) {
		return err
	}
	r.facts.Letters = r.View
	return nil
}

// readIndexed reads only the records about the order.
func (r *orderReader) readIndexed(ctx context.Context, remember stepTaker) error {
	if err := r.Refresh(ctx); err != nil {
		r.note("letters-unread", "the dead letters cannot be read: %v", err)
		return nil
	}
	r.facts.Letters = r.View
	keys := append(slices.Collect(maps.Keys(r.byID)), orderKey(r.Order))
	r.Look(func(v *view.View) { // entries about these letters may lack the order's id
		for l := range v.Letters(view.Filter{Orders: []string{r.Order}}) {
			keys = append(keys, l.ID())
		}
	})
	return r.readMentions(ctx, r.Group, keys, remember)
}

// remember adds a step to a letter's history. It also adds the event if only the letters or the ledger mention it. Such
// an event has expired, or is older than --since.
func (r *orderReader) remember(id string, s life.Step, l *deadletter.Letter) {
	if place, err := ledger.ParseID(id); err == nil && r.byID[id] == nil {
		e := life.NewEvent(place)
		if l != nil {
			e.Status, e.Time = l.Status, life.JSONTime(l.Time)
		}
		r.add(e)
	}
	r.history[id] = append(r.history[id], s)
}

// finish decides the state of each event, sorts the events, and notes what is missing.
func (r *orderReader) finish() {
	r.mu.RLock() // Decide reads the view
	defer r.mu.RUnlock()
	for _, e := range r.life.Events {
		e.History = append(e.History, r.history[e.ID]...)
		slices.SortStableFunc(e.History, func(a, b life.Step) int { return a.At.Compare(b.At) })
		r.facts.Decide(e)
	}
	for _, e := range r.life.Events {
		// Either LeadHit refused the earlier call, so this one was made, or the letter shows that this one was made.
		if before := r.byID[e.Repeats]; before != nil && before.Letter != nil || e.Letter != nil {
			e.Repeats = ""
		}
	}
	r.life.Sort()
	if r.life.Unmapped > 0 {
		r.note(life.Unmapped, "%s cannot be read, because schemas cannot be looked up", events(r.life.Unmapped))
	}
	if r.life.More > 0 {
		r.note(life.LeftOut, "the list leaves out %s of the order", events(r.life.More))
	}
}

func (r *orderReader) note(name, format string, facts ...any) {
	r.life.Notes = append(r.life.Notes, life.NewNote(name, format, facts...))
}

func events(n int) string {
	if n == 1 {
		return "1 event"
	}
	return fmt.Sprintf("%d events", n)
}
