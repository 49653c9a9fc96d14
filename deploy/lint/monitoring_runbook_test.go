package lint_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	alertsBegin = "<!-- alerts:begin -->\n"
	alertsEnd   = "<!-- alerts:end -->\n"
)

// answers returns the points that the text below each heading in the runbook must contain.
func answers() []string {
	return []string{"**It means**", "**Lost?**", "**Look here**", "**Do this**", "**Over when**"}
}

func TestTheRunbookHasAHeadingForEachAlert(t *testing.T) {
	t.Parallel()
	rules, readme := read(t, monitoring, "rules.yaml"), read(t, "../README.md")
	for _, v := range checkRunbook(t, rules, readme) {
		t.Error(v)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"a heading is missing":        {"### LagHigh\n", "", "LagHigh: no heading in the runbook"},
		"a heading without an alert":  {"### LagHigh\n", "### LagHuge\n", "LagHuge: a heading without an alert"},
		"an answer is missing":        {"- **Lost?** Yes.", "- Yes.", "ExpiredUnread: does not say **Lost?**"},
		"the severity is another one": {"page, at once.\n\n- **It means**: at least 100", "ticket.\n\n- **It means**: at least 100", "PausedFlood: does not say page"},
		"the marks are missing":       {"<!-- alerts:end -->", "", "no alerts between"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantFound(t, checkRunbook(t, rules, plant(t, readme, c.old, c.new)), c.want)
		})
	}
}

// checkRunbook compares the alerts with the headings between alertsBegin and alertsEnd.
func checkRunbook(t *testing.T, rules, readme string) []string {
	t.Helper()
	sections, ok := runbook(readme)
	if !ok {
		return []string{fmt.Sprintf("no alerts between %q and %q", alertsBegin, alertsEnd)}
	}
	all, err := alerts(rules)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	known := map[string]bool{}
	for _, a := range all {
		known[a.Name] = true
		section, ok := sections[a.Name]
		if !ok {
			found = append(found, a.Name+": no heading in the runbook")
			continue
		}
		for _, want := range answers() {
			if !strings.Contains(section, want) {
				found = append(found, a.Name+": does not say "+want)
			}
		}
		if first, _, _ := strings.Cut(strings.TrimSpace(section), "\n"); !strings.Contains(first, a.Labels["severity"]) {
			found = append(found, a.Name+": does not say "+a.Labels["severity"])
		}
	}
	for _, name := range sorted(sections) {
		if !known[name] {
			found = append(found, name+": a heading without an alert")
		}
	}
	return found
}

// runbook returns the text below each heading between alertsBegin and alertsEnd.
func runbook(readme string) (map[string]string, bool) {
	_, text, begins := strings.Cut(readme, alertsBegin)
	text, _, ends := strings.Cut(text, alertsEnd)
	if !begins || !ends {
		return nil, false
	}
	sections := map[string]string{}
	for _, part := range strings.Split(text, "\n### ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		sections[name] = body
	}
	return sections, true
}

// The test runs each command in the runbook with --help, so that a renamed command or flag is noticed.
func TestTheRunbooksCommandsExist(t *testing.T) {
	t.Parallel()
	readme := read(t, "../README.md")
	for _, v := range checkCommands(t, readme) {
		t.Error(v)
	}
	wantFound(t, checkCommands(t, plant(t, readme, "`leadhit-sync letters list ", "`leadhit-sync letters heap ")), "letters heap")
	wantFound(t, checkCommands(t, plant(t, readme, "`leadhit-sync letters list ", "`leadhit-sync letters list --loud ")), "--loud")
}

func checkCommands(t *testing.T, readme string) []string {
	t.Helper()
	sections, _ := runbook(readme)
	lines := map[string]bool{}
	for _, text := range sections {
		for _, m := range regexp.MustCompile("`leadhit-sync ([^`]+)`").FindAllStringSubmatch(text, -1) {
			lines[m[1]] = true
		}
	}
	if len(lines) < 5 {
		return []string{fmt.Sprintf("only %d commands: are we looking in the right place?", len(lines))}
	}
	var found []string
	for _, line := range sorted(lines) {
		found = append(found, checkCommand(t, line)...)
	}
	return found
}

func checkCommand(t *testing.T, line string) []string {
	t.Helper()
	words := strings.Fields(line)
	// The command's own words are in lower case; what follows are flags and placeholders.
	end := slices.IndexFunc(words, func(w string) bool { return !regexp.MustCompile(`^[a-z]+$`).MatchString(w) })
	if end < 0 {
		end = len(words)
	}
	help, err := output(t, nil, append(slices.Clone(words[:end]), "--help")...)
	usage := "leadhit-sync " + strings.Join(words[:end], " ")
	if err != nil || !strings.Contains(help, usage) {
		return []string{fmt.Sprintf("leadhit-sync %s: no such command (%v)", line, err)}
	}
	var found []string
	for _, w := range words[end:] {
		if flag, _, _ := strings.Cut(w, "="); strings.HasPrefix(flag, "--") && !regexp.MustCompile(regexp.QuoteMeta(flag)+`\b`).MatchString(help) {
			found = append(found, fmt.Sprintf("leadhit-sync %s: no flag %s", line, flag))
		}
	}
	return found
}
