package integration_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"leadhit-sync/integration/browser"
	"leadhit-sync/integration/program"
)

// TestDesk does what people do at the desk in a browser, with a worker, LeadHit's look-alike and Kafka behind it.
func TestDesk(t *testing.T) { //nolint:tparallel // each flow changes what the next one sees
	t.Parallel()
	s := newSuite(t)
	d := newDeskWorld(t, s)
	as := func(who string, v browser.View, does func(*person)) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			does(d.visitor(t, who, v))
		}
	}
	for _, flow := range []struct {
		name string
		do   func(*testing.T)
	}{
		{"a letter is replayed", as("anna", browser.View{}, d.replayOne)},
		{"a letter is replayed without the page's script", as("boris", browser.View{NoScript: true}, d.replayOne)},
		{"a letter is replayed on a phone", as("clara", browser.View{Width: 390, Height: 844, Dark: true}, d.replayOne)},
		{"a letter is replayed with the keyboard", as("anna", browser.View{}, d.replayByKeys)},
		{"two people start the same plan", d.samePlan},
		{"letters are dismissed and reopened", as("anna", browser.View{}, dismissAndReopen)},
		{"a value is revealed", as("anna", browser.View{}, d.reveal)},
		{"a filter lists what the command lists", as("anna", browser.View{}, d.filter)},
		{"calls are paused and resumed", as("anna", browser.View{}, pauseAndResume)},
		{"an order is looked up", as("anna", browser.View{}, lookUp)},
		{"the language is switched", as("anna", browser.View{}, switchLanguage)},
		{"a person without a name can only read", as("", browser.View{}, onlyRead)},
		{"Kafka goes away", as("anna", browser.View{}, d.loseKafka)},
	} {
		if !t.Run(flow.name, flow.do) {
			break // each flow changes what the next one sees
		}
	}
	t.Run("no output has the canary key, a race or a panic", s.testEmitted)
}

// replayOne goes from the list to the cause, to a letter, to its plan, and to the run's outcome.
func (d *deskWorld) replayOne(p *person) {
	p.Helper()
	p.goes("/letters", "Dead letters", "NotJSON")
	p.clicks("ValidationError")
	p.sees("Possible statuses")
	p.clicks(d.topic + "/")
	p.sees("History", "Stored as a dead letter: ValidationError", "Open")
	p.clicks("Plan replay…")
	p.sees("Replay 1 letter of 1 order?", "Once applied, a status cannot be undone.")
	p.fills("Reason", "LeadHit knows on-hold")
	p.clicks("Replay 1 letter")
	p.sees("LeadHit knows on-hold", p.who)
	p.comesToSee("Done 1 of 1 done")
	p.clicks(d.topic + "/")
	p.sees("Resolved", "LeadHit accepted it", "Replay 1, requested by "+p.who)
}

// replayByKeys replays a letter without a mouse. The element with the focus must always have a visible ring.
func (d *deskWorld) replayByKeys(p *person) {
	p.Helper()
	p.goes("/letters", "Dead letters")
	p.tabsTo("Skip to the content")
	p.tabsTo("ValidationError")
	p.do(p.Press(kb.Enter))
	p.sees("Possible statuses")
	p.tabsTo(d.topic + "/")
	p.do(p.Press(kb.Enter))
	p.sees("History")
	p.tabsTo("Plan replay…")
	p.do(p.Press(kb.Enter))
	p.sees("Replay 1 letter of 1 order?")
	p.tabsTo("Reason")
	p.do(p.Type("by keys"), p.Press(kb.Enter))
	p.sees("by keys")
	p.comesToSee("Done 1 of 1 done")
}

// samePlan: of two people who start the same plan, the first succeeds, and the second sees why nothing happened.
func (d *deskWorld) samePlan(t *testing.T) {
	t.Helper()
	anna, boris := d.visitor(t, "anna", browser.View{}), d.visitor(t, "boris", browser.View{})
	for _, p := range []*person{anna, boris} {
		p.goes("/plan?cause=ValidationError", "Replay 8 letters of 8 orders?")
		p.fills("Reason", "all of them, says "+p.who)
	}
	anna.clicks("Replay 8 letters")
	anna.sees("all of them, says anna")
	anna.comesToSee("Done 8 of 8 done")
	boris.clicks("Replay 8 letters")
	boris.sees("The letters have changed since you saw the plan. No letter was requeued", "No letter is ready for a replay")
	boris.forgives("409")
	boris.goes("/runs", "all of them, says anna")
	if got := len(d.lettersWith(t, "replay")); got != 12 {
		t.Errorf("got %d requeued letters, want each of 12 once", got)
	}
}

func dismissAndReopen(p *person) {
	p.Helper()
	p.goes("/letters", "NotJSON")
	p.clicks("NotJSON")
	p.sees("not JSON at byte 1")
	p.clicks("Dismiss…")
	p.sees("A dismissed letter is never sent to LeadHit.")
	p.fills("Reason", "a test of the shop's")
	p.clicks("Dismiss 3 letters")
	p.sees("3 letters are dismissed")
	p.goes("/letters?cause=NotJSON&state=dismissed", "Dismissed 3")
	p.clicks(p.world.topic + "/")
	p.sees("Dismissed by anna", "a test of the shop's")
	p.clicks("Reopen…")
	p.fills("Reason", "it was none")
	p.clicks("Reopen 1 letter")
	p.sees("1 letter is open again")
	p.goes("/letters?cause=NotJSON", "Open 1", "Dismissed 2")
}

// reveal: a value is masked until a user gives a reason.
func (d *deskWorld) reveal(p *person) {
	p.Helper()
	p.goes("/letters?cause=ValidationError&state=resolved", "Resolved 12")
	p.clicks(d.topic + "/")
	p.sees("masked", "•••")
	p.fills("Why are you looking at the value?", "the shop asked for it")
	p.clicks("Reveal")
	p.sees("buyer@example", p.who+" looked at the value", "the shop asked for it")
	p.goes("/letters?cause=ValidationError&state=resolved", "Resolved 12")
	p.clicks(d.topic + "/")
	p.sees("masked", p.who+" looked at the value", "the shop asked for it")
}

// filter: a filter is part of the page's address, and the page shows the command that lists the same letters.
func (d *deskWorld) filter(p *person) {
	p.Helper()
	p.goes("/letters", "Dead letters")
	p.fills("Filter: name:value", "cause:ValidationError since:24h state:resolved")
	p.do(p.Press(kb.Enter))
	p.sees("12 of 12")
	address, err := browser.Read(p.Tab, chromedp.Location())
	p.do(err)
	for _, want := range []string{"cause=ValidationError", "since=24h", "state=resolved"} {
		if !strings.Contains(address, want) {
			p.Errorf("got address %s, want %s in it", address, want)
		}
	}
	p.clicks("Same list on the command line")
	command, err := browser.Read(p.Tab, chromedp.Text(chromedp.CSS("details[open] code")))
	p.do(err)
	words := strings.Fields(command)
	if !slices.Equal(words[:3], []string{"leadhit-sync", "letters", "list"}) {
		p.Fatalf("got the command %q, want letters list", command)
	}
	if got := d.listed(p, words[1:]); got != 12 {
		p.Errorf("got %d letters of %s, want the 12 of the page", got, command)
	}
}

// listed runs the command and returns how many letters it lists.
func (d *deskWorld) listed(p *person, arguments []string) int {
	p.Helper()
	process, err := program.Start(d.binary, program.Options{
		Arguments: append(arguments, "-o", "json"), Settings: d.workers[0].environment(), Dir: d.emitted,
	})
	p.do(err)
	ctx, cancel := context.WithTimeout(p.Context(), time.Minute)
	defer cancel()
	var said struct{ Letters []json.RawMessage }
	code, err := process.Wait(ctx)
	p.do(err, json.Unmarshal([]byte(process.Stdout()), &said))
	if code != 0 {
		p.Fatalf("got exit code %d of %q: %s", code, arguments, process.Stderr())
	}
	return len(said.Letters)
}

func pauseAndResume(p *person) {
	p.Helper()
	p.goes("/workers", "1 worker", "running")
	p.clicks("Pause all calls")
	p.fills("Reason", "LeadHit is being migrated")
	p.do(p.Press(kb.Enter))
	p.sees("The pause has been written", "Calls are paused", "Paused by anna", "LeadHit is being migrated")
	p.comesToSee("1 paused (by hand)")
	p.fills("Reason to resume", "it is done")
	p.clicks("Resume calls")
	p.sees("The pauses have ended")
	p.comesToSee("1 running")
}

func lookUp(p *person) {
	p.Helper()
	p.goes("/orders", "Orders")
	p.fills("Order id", "stuck-1")
	p.clicks("Look up")
	p.sees("Order stuck-1", "Call: paid", "503 Service Unavailable")
	// While an attempt is in flight, the page says so instead.
	eventually(p, time.Minute, "a wait between two attempts", func() string {
		page, err := p.Text()
		if err != nil {
			return err.Error()
		}
		if !strings.Contains(page, "Waits for its next attempt") {
			p.do(p.Do(chromedp.Reload()))
		}
		return unless(strings.Contains(page, "Waits for its next attempt"), "the page is %s", page)
	})
}

func switchLanguage(p *person) {
	p.Helper()
	p.goes("/letters", "Dead letters")
	p.clicks("Русский")
	p.sees("Отклонённые события")
	p.goes("/workers", "Экземпляры")
	p.clicks("English")
	p.sees("Workers")
}

func onlyRead(p *person) {
	p.Helper()
	for _, path := range []string{"/letters", "/plan?cause=NotJSON", "/dismiss?cause=NotJSON", "/workers"} {
		p.goes(path, "read-only")
		buttons, err := browser.Read(p.Tab, chromedp.Evaluate[int](`document.querySelectorAll("form[method=post]").length`))
		if err != nil || buttons != 0 {
			p.Errorf("got %d forms that change something at %s and %v, want none", buttons, path, err)
		}
	}
}

// loseKafka: without Kafka, the desk shows the problem and the last known numbers, and nothing can be changed.
func (d *deskWorld) loseKafka(p *person) {
	p.Helper()
	p.goes("/letters", "Plan replay")
	d.kafka.Close()
	p.comesToSee("The letters or their ledger cannot be read")
	text, err := p.Text()
	if err != nil || strings.Contains(text, "Plan replay") || !strings.Contains(text, "Open 1") {
		p.Errorf("got %s and %v, want the last numbers and no button", text, err)
	}
	p.forgives("50")
}
