package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is the time limit for one call. A call that takes longer is waiting for something that will not appear.
const patience = time.Minute

// Tab is a tab of Chromium. Use it from one goroutine.
type Tab struct {
	ctx   context.Context //nolint:containedctx // chromedp's handle for a tab is a context
	leave func()

	mu       sync.Mutex // notice runs on chromedp's goroutine
	problems []string
}

// Close closes the tab.
func (t *Tab) Close() { t.leave() }

// Do runs actions one after another.
func (t *Tab) Do(actions ...chromedp.Action[chromedp.Void]) error {
	return do(t, chromedp.Steps(actions...), nil)
}

// Read runs an action that returns something, such as [chromedp.Text].
func Read[T any](t *Tab, action chromedp.Action[T]) (result T, err error) {
	return result, do(t, action, &result)
}

func do[T any](t *Tab, action chromedp.Action[T], result *T) error {
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, action)
	if err == nil && result != nil {
		*result = got
	}
	return err
}

// notice records the event if it reports a problem with the page.
func (t *Tab) notice(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		switch e.Type {
		case runtime.ConsoleAPICalledTypeError, runtime.ConsoleAPICalledTypeWarning, runtime.ConsoleAPICalledTypeAssert:
			text, _ := json.Marshal(e.Args)
			t.add("console %s: %s", e.Type, text)
		default: // for developers only
		}
	case *runtime.EventExceptionThrown:
		text, _ := json.Marshal(e.ExceptionDetails)
		t.add("exception: %s", text)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			t.add("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *audits.EventIssueAdded:
		details, _ := json.Marshal(e.Issue.Details)
		t.add("issue %s: %s", e.Issue.Code, details)
	}
}

func (t *Tab) add(format string, about ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.problems = append(t.problems, fmt.Sprintf(format, about...))
}

// Problems returns the problems with the tab's pages since the last call: errors, warnings and issues that Chromium
// reported.
func (t *Tab) Problems() ([]string, error) {
	// By the time of this response, notice has handled all events that Chromium sent before it.
	if _, err := Read(t, chromedp.Title()); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.problems
	t.problems = nil
	return found, nil
}
