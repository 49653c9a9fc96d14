package browser

import (
	"bytes"
	"compress/gzip"
	_ "embed" // axe-core
	"fmt"
	"io"
	"strings"

	"github.com/chromedp/chromedp"
)

// axeCore is axe.min.js from the npm package axe-core 4.14.1. The file's licence is in the same folder.
// TestAxeCoreIsThePublishedFile checks the file's hash.
//
//go:embed axe-core/axe.min.js.gz
var axeCore []byte

// Finding is an axe-core rule that a page breaks.
type Finding struct {
	ID, Impact, Help string
	Places           []string // selectors
}

// String formats the finding for test messages.
func (f Finding) String() string {
	return fmt.Sprintf("%s (%s): %s at %s", f.ID, f.Impact, f.Help, strings.Join(f.Places, " and "))
}

// audit runs axe-core. Chromium evaluates it like an expression in the debugger, so the page's content security policy
// need not allow it. Most rows of a long table are left out, because they are alike and would take most of the time.
const audit = `axe.run({exclude: [["tbody > tr:nth-child(n+12)"]]}, {resultTypes: ["violations"]}).then(r =>
	r.violations.map(v => ({
		id: v.id, impact: v.impact, help: v.help,
		places: v.nodes.map(n => n.target.join(" ") + " " + (n.any[0] || n.all[0] || n.none[0] || {message: ""}).message),
	})))`

// Audit returns the axe-core rules that the current page breaks, minor ones included. Scripts must be enabled in the
// tab.
func (t *Tab) Audit() ([]Finding, error) {
	script, err := axeScript()
	if err != nil {
		return nil, err
	}
	if err := t.Do(chromedp.Evaluate[chromedp.Void](script)); err != nil {
		return nil, fmt.Errorf("load axe-core: %w", err)
	}
	return Read(t, chromedp.Evaluate[[]Finding](audit, chromedp.EvalAwaitPromise))
}

func axeScript() (string, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(axeCore))
	if err != nil {
		return "", err
	}
	script, err := io.ReadAll(unpacked)
	// Without the 0, Chromium would send back the value of the script.
	return string(script) + "\n;0", err
}
