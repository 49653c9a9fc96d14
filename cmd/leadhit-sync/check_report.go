package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/config"
)

// The verdicts of a finding.
const (
	verdictOK   = "ok"
	verdictWarn = "warn"
	verdictFail = "FAIL"
	verdictSkip = "skip"
)

// finding is one line of a report. Scripts select findings by the members "verdict" and "what". The member "found" is
// for human readers, and its text may change.
type finding struct {
	// Verdict is ok, warn, fail or skip.
	Verdict string `json:"verdict"`
	What    string `json:"what"`
	Found   string `json:"found"`
}

// report collects findings. It prints each finding immediately as a line or, as JSON, all findings at the end. The
// immediate lines show an operator how far a slow check has got.
type report struct {
	out      io.Writer
	width    int // of the terminal; 0 if there is none
	output   outputForm
	schema   string
	failed   bool
	findings []finding
}

func newReport(out io.Writer, output outputForm, schema string) *report {
	width, _ := terminal.Size(out)
	return &report{out: out, width: width, output: output, schema: schema, findings: []finding{}}
}

// line adds a finding. In JSON, fail is in lower case like the other verdicts. In printed lines, capitals make FAIL
// stand out.
func (r *report) line(verdict, what, found string) {
	r.failed = r.failed || verdict == verdictFail
	r.findings = append(r.findings, finding{strings.ToLower(verdict), what, found})
	if r.output == "json" {
		return
	}
	for _, line := range terminal.Hang(fmt.Sprintf("%-4s  %-10s ", verdict, what), found, r.width) {
		_, _ = fmt.Fprintln(r.out, line) // if stdout is closed, the exit code still shows a failure
	}
}

func (r *report) ok(what, found string)   { r.line(verdictOK, what, found) }
func (r *report) warn(what, found string) { r.line(verdictWarn, what, found) }
func (r *report) fail(what, found string) { r.line(verdictFail, what, found) }

// skip reports that something was not checked, and why.
func (r *report) skip(what, found string) { r.line(verdictSkip, what, found) }

// reportSchema is the JSON form of a report.
type reportSchema struct {
	Schema string `json:"schema"`
	OK     bool   `json:"ok"`
	// Mistakes are those in the settings. If there are any, nothing else was checked.
	Mistakes []mistakenSetting `json:"mistakes,omitempty"`
	Findings []finding         `json:"findings"`
}

// mistakenSetting is a setting that a worker would refuse. The member "what" never quotes a value, which may be a
// secret.
type mistakenSetting struct {
	Variable string `json:"variable"`
	What     string `json:"what"`
	Example  string `json:"example,omitempty"`
	// Change is the variable that the example sets, if it differs from Variable.
	Change string `json:"change,omitempty"`
}

// end prints the JSON form. Without JSON, all lines have been printed already, so end writes nothing. JSON is written
// even if the settings have mistakes, because programs read the mistakes from it.
func (r *report) end(settings error) error {
	if r.output != "json" {
		return nil
	}
	return printJSON(r.out, reportSchema{
		Schema: r.schema, OK: !r.failed && settings == nil, Findings: r.findings, Mistakes: mistaken(settings),
	}, "  ")
}

// mistaken returns the JSON form of mistakes in settings. It returns nil for an error of another kind.
func mistaken(err error) []mistakenSetting {
	wrong, ok := errors.AsType[*config.Error](err)
	if !ok {
		return nil
	}
	var all []mistakenSetting
	for _, p := range wrong.Problems {
		all = append(all, mistakenSetting(p))
	}
	return all
}

// settings reports that the settings have no mistakes. The warnings are the lines that a worker logs at startup.
func (r *report) settings(c *config.Config) {
	r.ok("settings", "complete and consistent")
	for _, w := range c.Warnings {
		r.warn("settings", w)
	}
}
