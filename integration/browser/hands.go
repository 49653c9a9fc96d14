package browser

import (
	"context"
	_ "embed" // look.js
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// look is the source of functions that look at a page as a person does.
//
//go:embed look.js
var look string

// pause is the interval at which the page is polled.
const pause = 50 * time.Millisecond

// errUnseen indicates that something did not appear in time.
var errUnseen = errors.New("not on the page")

// spot is where an element is on the screen.
type spot struct {
	X, Y float64
	// Covered names the element that covers this one.
	Covered string
}

// Click clicks the link, button or field with the given name, as soon as it is visible. The name is the start of its
// text or label.
func (t *Tab) Click(name string) error {
	var s *spot
	err := t.until(func() (err error) {
		s, err = evaluate[*spot](t, "spot", name)
		switch {
		case err != nil:
			return err
		case s == nil:
			return t.unseen(name)
		case s.Covered != "":
			return fmt.Errorf("%q is below %s", name, s.Covered)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("click %q: %w", name, err)
	}
	return t.Do(chromedp.MouseClickXY(s.X, s.Y))
}

// Fill replaces the text in the field that has the given label.
func (t *Tab) Fill(label, text string) error {
	if err := t.Click(label); err != nil {
		return err
	}
	if _, err := evaluate[bool](t, "selectAll"); err != nil {
		return err
	}
	return t.Type(text)
}

// Type types into the field that has the focus.
func (t *Tab) Type(text string) error {
	return t.Do(call(input.InsertText, input.InsertTextParams{Text: text}))
}

// Press presses keys, such as "j" or kb.Enter.
func (t *Tab) Press(keys string) error { return t.Do(chromedp.KeyEvent(keys)) }

// Focus describes the element that has the focus.
type Focus struct {
	// Name is the start of the element's text or label.
	Name string
	// Ring reports whether a person can see where the focus is.
	Ring bool
}

// Focused returns the element that has the focus.
func (t *Tab) Focused() (Focus, error) { return evaluate[Focus](t, "focused") }

// See waits until all texts are visible.
func (t *Tab) See(texts ...string) error {
	return t.until(func() error {
		page, err := t.Text()
		if err != nil {
			return err
		}
		for _, text := range texts {
			if !strings.Contains(page, text) {
				return t.unseen(text)
			}
		}
		return nil
	})
}

// Text returns the visible text of the page. White space is reduced to single spaces.
func (t *Tab) Text() (string, error) { return evaluate[string](t, "text") }

// Overflow describes up to five elements that extend beyond the right edge of the window, except those in boxes that
// scroll on their own. If the page does not scroll sideways, it returns none.
func (t *Tab) Overflow() ([]string, error) { return evaluate[[]string](t, "overflow") }

// unseen returns an error that contains the page's text.
func (t *Tab) unseen(what string) error {
	page, err := t.Text()
	if err != nil {
		return err
	}
	return fmt.Errorf("%q: %w: %s", what, errUnseen, page)
}

// until calls try() until it succeeds. Earlier errors are ignored, because the page may still be loading.
func (t *Tab) until(try func() error) error {
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// evaluate calls a function in look.js.
func evaluate[T any](t *Tab, function string, arguments ...any) (result T, err error) {
	list, err := json.Marshal(append([]any{}, arguments...)) // never null
	if err != nil {
		return result, err
	}
	return Read(t, chromedp.Evaluate[T](fmt.Sprintf("(() => {%s; return %s(...%s)})()", look, function, list)))
}
