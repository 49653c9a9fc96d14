package worker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"leadhit-sync/consumer/status"
	"leadhit-sync/deadletter"
)

// fitnessEvery is how often the letters' topic and the ledger are judged, because their settings may be changed while
// the worker runs.
const fitnessEvery = time.Minute

// fitness holds the last inspections of the letters' topic and the ledger. The zero value is ready to use.
type fitness struct {
	mu    sync.Mutex
	found map[string]deadletter.Inspection // by topic
}

// note stores an inspection, so that each flaw is logged once and not every minute. It returns the flaws that have
// appeared, and those that have disappeared, since the topic's last inspection. hidden is true if the settings of an
// existing topic cannot be read, unless the last inspection had already found that.
func (f *fitness) note(is deadletter.Inspection) (came, went []deadletter.Flaw, hidden bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was, asked := f.found[is.Topic]
	if f.found == nil {
		f.found = make(map[string]deadletter.Inspection)
	}
	f.found[is.Topic] = is
	in := func(all []deadletter.Flaw) func(deadletter.Flaw) bool {
		return func(flaw deadletter.Flaw) bool { return slices.Contains(all, flaw) }
	}
	came = slices.DeleteFunc(slices.Clone(is.Flaws), in(was.Flaws))
	went = slices.DeleteFunc(slices.Clone(was.Flaws), in(is.Flaws))
	return came, went, is.Exists && !is.Known && (!asked || was.Known || !was.Exists)
}

// flaws lists the current flaws, the fatal flaws of each topic first.
func (f *fitness) flaws() []status.TopicFlaw {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := []status.TopicFlaw{}
	for topic, is := range f.found {
		for _, flaw := range is.Flaws {
			all = append(all, status.TopicFlaw{Topic: topic, Flaw: flaw})
		}
	}
	slices.SortStableFunc(all, func(a, b status.TopicFlaw) int { return strings.Compare(a.Topic, b.Topic) })
	return all
}

// fatal describes the flaws that prevent letters or pauses from being stored.
func (f *fitness) fatal() []string {
	var texts []string
	for _, flaw := range f.flaws() {
		if flaw.Fatal {
			texts = append(texts, "topic "+flaw.Topic+": "+flaw.String())
		}
	}
	return texts
}

// inspect judges the letters' topic or the ledger, and logs the flaws that have appeared or disappeared since the last
// inspection.
func (w *Worker) inspect(ctx context.Context, inspect inspection) (deadletter.Inspection, error) {
	found, err := inspect(ctx, w.config, w.cluster)
	if err == nil {
		w.logFitness(ctx, found)
	}
	return found, err
}

// usable reports whether a topic exists. The error says why the topic cannot be used: the inspection failed, or a flaw
// is fatal. A missing topic is not an error, because the worker creates the topic after its first join.
func (w *Worker) usable(ctx context.Context, inspect inspection) (exists bool, err error) {
	found, err := w.inspect(ctx, inspect)
	if err == nil {
		err = found.Err()
	}
	return found.Exists, err
}

// logFitness logs what has changed since the last inspection, so that an uncorrected flaw does not fill the log.
func (w *Worker) logFitness(ctx context.Context, found deadletter.Inspection) {
	came, went, hidden := w.fitness.note(found)
	log := w.log.With(slog.String("topic", found.Topic))
	if hidden {
		log.WarnContext(ctx, "not allowed to describe the topic's settings, so they cannot be checked; grant DescribeConfigs")
	}
	for _, f := range came {
		log := log.With(slog.String("setting", f.Setting), slog.String("is", f.Is), slog.String("why", f.Why),
			slog.String("want", f.Want))
		if f.Fatal {
			log.ErrorContext(ctx, "a topic setting prevents dead letters or pauses from being stored, "+
				"or lets them be lost; change it")
		} else {
			log.WarnContext(ctx, "a topic setting is unsuitable for dead letters or the ledger; change it")
		}
	}
	for _, f := range went {
		log.InfoContext(ctx, "a topic setting was corrected", slog.String("setting", f.Setting))
	}
}

// watchFitness judges both topics every fitnessEvery, and whenever Kafka refuses a letter, until ctx ends.
func (w *Worker) watchFitness(ctx context.Context) error {
	ticker := time.NewTicker(fitnessEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.refused:
		case <-ticker.C:
		}
		_, letters := w.inspect(ctx, InspectLetters)
		_, ledger := w.inspect(ctx, InspectLedger)
		if err := errors.Join(letters, ledger); err != nil && ctx.Err() == nil {
			w.log.DebugContext(ctx, "cannot check the settings of the dead-letter topic and its ledger", slog.Any("error", err))
		}
	}
}

// letterRefused makes watchFitness judge the topics at once.
func (w *Worker) letterRefused() {
	select {
	case w.refused <- struct{}{}:
	default: // watchFitness is about to judge the topics anyway
	}
}
