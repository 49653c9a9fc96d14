package integration_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/twmb/franz-go/pkg/kfake"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/browser"
	"leadhit-sync/integration/program"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

// deskWorld is a worker with letters, and a desk at which people look at them. Kafka is embedded here, because the
// tests of the commands already send the same requests to real Kafka.
type deskWorld struct {
	*run

	kafka    *kfake.Cluster
	chromium context.Context //nolint:containedctx // chromedp's handle for the browser is a context
	url      string
}

// newDeskWorld returns a world with 15 letters and an order whose calls keep failing. LeadHit refused 12 of the
// letters, each for a different order, and would now accept them. The mapping could not read the other 3.
func newDeskWorld(t *testing.T, s *suite) *deskWorld {
	t.Helper()
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafka.Close)
	chromium := browser.Start(t)
	d := &deskWorld{run: s.newRun(t, kafka.ListenAddrs(), 3, sandbox.Faults{}), kafka: kafka, chromium: chromium}
	d.settings["RETRY_MAX"] = "2s"
	w := d.newWorker(t)
	w.start(t)
	var events []audit.Event
	for i := range 12 { // one per order, so that none overtakes another
		events = append(events, shop.NewOrders(fmt.Sprint("order-", i), 1, 41).Refused())
	}
	for range 3 {
		events = append(events, audit.Event{
			Key: []byte("key"), Value: []byte("no JSON"), Want: audit.Unmappable, Cause: "NotJSON",
		})
	}
	d.write(t, events)
	d.finish(t, time.Minute)
	d.leadhit.Change(func(f *sandbox.Faults) {
		f.Statuses = []string{"on-hold"}
		f.Orders["stuck-1"] = sandbox.OrderFault{Status: 503}
	})
	d.write(t, []audit.Event{statusOf("stuck-1", "paid")})
	d.startDesk(t, w)
	return d
}

// startDesk starts the desk command.
func (d *deskWorld) startDesk(t *testing.T, w *worker) {
	t.Helper()
	address, err := w.Line(t.Context(), "listening", nil)
	if err != nil {
		t.Fatal(err)
	}
	settings := w.environment()
	maps.Copy(settings, map[string]string{
		"DESK_ADDR": "127.0.0.1:0", "DESK_WRITE": "true", "DESK_USER_HEADER": "X-Forwarded-User",
		"DESK_TRUSTED_PROXIES": "127.0.0.1",
	})
	desk, err := program.Start(d.binary, program.Options{
		Arguments: []string{"desk", "--workers", fmt.Sprint(address["addr"])}, Settings: settings, Dir: d.emitted,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if code, err := desk.Terminate(ctx); err != nil || code != 0 {
			t.Errorf("got exit code %d, %v from the desk after a SIGTERM, want 0: %s", code, err, lastOf(desk.Stderr(), 20))
		}
	})
	listening, err := desk.Line(t.Context(), "listening", nil)
	if err != nil {
		t.Fatal(err)
	}
	d.url = fmt.Sprint("http://", listening["addr"])
}

// person is a user of the desk.
type person struct {
	*testing.T
	*browser.Tab

	who   string
	view  browser.View
	world *deskWorld
}

// visitor opens a tab for a person. A person without a name is unknown to the desk.
func (d *deskWorld) visitor(t *testing.T, name string, v browser.View) *person {
	t.Helper()
	if name != "" {
		v.Headers = map[string]string{"X-Forwarded-User": name}
	}
	tab, err := browser.Open(d.chromium, v)
	if err != nil {
		t.Fatal(err)
	}
	p := &person{T: t, Tab: tab, who: name, view: v, world: d}
	t.Cleanup(func() {
		p.leave()
		tab.Close()
	})
	return p
}

// leave fails the test if a page had a problem. After a failure, it saves a screenshot.
func (p *person) leave() {
	p.Helper()
	problems, err := p.Problems()
	if err != nil || len(problems) > 0 {
		p.Errorf("got %v and %q for the pages, want no problem", err, problems)
	}
	if p.Failed() {
		p.picture()
	}
}

// forgives ignores what the browser logs about pages whose HTTP status starts with the given digits, and nothing else.
func (p *person) forgives(status string) {
	p.Helper()
	problems, err := p.Problems()
	p.do(err)
	for _, problem := range problems {
		if !strings.Contains(problem, "status of "+status) {
			p.Errorf("got %s, want no problem but the status %s", problem, status)
		}
	}
}

// picture saves a screenshot of the page that is open, and logs the name of its file.
func (p *person) picture() {
	p.Helper()
	picture, err := browser.Read(p.Tab, chromedp.CaptureScreenshot())
	if err != nil {
		p.Log(err)
		return
	}
	file := filepath.Join(os.TempDir(), strings.ReplaceAll(p.Name(), "/", "-")+".png")
	if err := os.WriteFile(file, picture, 0o600); err == nil {
		p.Logf("a screenshot of the page is in %s", file)
	}
}

// do fails the test if there is an error.
func (p *person) do(errs ...error) {
	p.Helper()
	if err := errors.Join(errs...); err != nil {
		p.Fatal(err)
	}
}

// goes opens a page of the desk and waits for the given text.
func (p *person) goes(path string, texts ...string) {
	p.Helper()
	p.do(p.Do(chromedp.Navigate(p.world.url + path)))
	p.sees(texts...)
}

// clicks follows the links and presses the buttons with the given names, one after another.
func (p *person) clicks(names ...string) {
	p.Helper()
	for _, name := range names {
		p.do(p.Click(name))
	}
}

func (p *person) fills(label, text string) {
	p.Helper()
	p.do(p.Fill(label, text))
}

func (p *person) sees(texts ...string) {
	p.Helper()
	p.do(p.See(texts...))
}

// comesToSee waits until the page shows the given text. The page's script keeps the page current. Without scripts, the
// person reloads the page.
func (p *person) comesToSee(texts ...string) {
	p.Helper()
	if !p.view.NoScript {
		p.sees(texts...)
		return
	}
	eventually(p, time.Minute, strings.Join(texts, ", "), func() string {
		page, err := p.Text()
		if err != nil {
			return err.Error()
		}
		for _, text := range texts {
			if !strings.Contains(page, text) {
				p.do(p.Do(chromedp.Reload()))
				return fmt.Sprintf("%q is not on the page: %s", text, page)
			}
		}
		return ""
	})
}

// tabsTo presses Tab until an element whose name starts with the given text has the focus.
func (p *person) tabsTo(name string) {
	p.Helper()
	for range 100 {
		p.do(p.Press(kb.Tab))
		focus, err := p.Focused()
		p.do(err)
		if !focus.Ring {
			p.Errorf("got the focus on %q without a ring, want one", focus.Name)
		}
		if strings.HasPrefix(focus.Name, name) {
			return
		}
	}
	p.Fatalf("got no focus on %q within 100 presses of Tab", name)
}
