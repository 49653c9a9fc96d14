package lint_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Whoever is woken up copies the lines as they stand.
func TestTheReadmesCommandsCanBeCopied(t *testing.T) {
	t.Parallel()
	readme := read(t, "../README.md")
	for _, v := range checkLines(readme) {
		t.Error(v)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"another namespace":            {"kubectl -n leadhit-sync describe pod POD", "kubectl describe pod POD", "names no namespace"},
		"another namespace, in blocks": {"\nuntil kubectl -n leadhit-sync logs -f", "\nuntil kubectl logs -f", "names no namespace"},
		"no broker":                    {"--bootstrap-server BROKER --alter", "--alter", "names no broker"},
		"two views at once":            {"--members --verbose", "--members --state", "take one of --members, --state"},
		"nobody's resume":              {"`leadhit-sync resume --by NAME` lets", "`leadhit-sync resume` lets", "does not say who"},
		"a pause without a reason":     {"pause --by NAME --reason \"WHY\"", "pause --by NAME", "does not say why"},
		"another Service":              {"/leadhit-sync status --workers dns:leadhit-sync:8080\n", "/leadhit-sync status --workers dns:workers:8080\n", "asks dns:workers:8080"},
		"a deployment's short name":    {"deployment/leadhit-sync", "deploy/leadhit-sync", "write deployment/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantFound(t, checkLines(plant(t, readme, c.old, c.new)), c.want)
		})
	}
}

// checkLines looks at every command of the README, those of code blocks and those between backquotes.
func checkLines(readme string) []string {
	code := regexp.MustCompile("(?s)```[a-z]*\n(.*?)```|`([^`]+)`")
	begins := regexp.MustCompile(`\b(kubectl [a-z-]+ |kafka-[a-z-]+\.sh|leadhit-sync (pause|resume)\b)`)
	var found []string
	lines := 0
	for _, m := range code.FindAllStringSubmatch(readme, -1) {
		for line := range strings.SplitSeq(m[1]+strings.Join(strings.Fields(m[2]), " "), "\n") {
			at := begins.FindStringIndex(line)
			if at == nil {
				continue
			}
			lines++
			for _, wrong := range checkLine(line[at[0]:]) {
				found = append(found, fmt.Sprintf("`%s`: %s", line, wrong))
			}
		}
	}
	if lines < 20 {
		found = append(found, fmt.Sprintf("only %d commands: are they looked for in the right place?", lines))
	}
	return found
}

func checkLine(line string) []string {
	words := strings.Fields(line)
	says := func(word string) bool { return slices.Contains(words, word) }
	return append(checkTool(line, words[0], says), checkOurs(line, says)...)
}

// checkTool checks a command of kubectl or of Kafka.
func checkTool(line, tool string, says func(word string) bool) []string {
	var found []string
	switch {
	case tool == "kubectl":
		ofNone := regexp.MustCompile(`^kubectl (kustomize|create namespace|apply -[kf]) `)
		if !says("-n") && !ofNone.MatchString(line) {
			found = append(found, "names no namespace")
		}
		if strings.Contains(line, "deploy/leadhit-sync") {
			found = append(found, "write deployment/, as everywhere")
		}
	case strings.HasPrefix(tool, "kafka-"):
		if !says("--bootstrap-server") {
			found = append(found, "names no broker")
		}
		if says("--members") && says("--state") {
			found = append(found, "take one of --members, --state: the tool refuses both")
		}
	}
	return found
}

// checkOurs checks a command of leadhit-sync.
func checkOurs(line string, says func(word string) bool) []string {
	var found []string
	// In a pod too: kubectl … exec … -- /leadhit-sync pause …
	command := regexp.MustCompile(`leadhit-sync (pause|resume)\b`).FindStringSubmatch(line)
	if command != nil && !says("--by") {
		found = append(found, "does not say who: in a pod nobody has a name")
	}
	if command != nil && command[1] == "pause" && !says("--reason") {
		found = append(found, "does not say why: pause refuses that")
	}
	for _, m := range regexp.MustCompile(`\bdns:(\S+)`).FindAllStringSubmatch(line, -1) {
		if m[1] != "leadhit-sync:8080" {
			found = append(found, "asks dns:"+m[1]+", and the Service is leadhit-sync:8080")
		}
	}
	return found
}

// The runbook calls the dashboard's panels by their titles.
func TestTheRunbookNamesPanelsThatThereAre(t *testing.T) {
	t.Parallel()
	readme, dashboard := read(t, "../README.md"), read(t, monitoring, "dashboard.json")
	for _, v := range checkPanels(t, readme, dashboard) {
		t.Error(v)
	}
	wantFound(t, checkPanels(t, plant(t, readme, "*Retention used*", "*Time to loss*"), dashboard), "Time to loss")
	wantFound(t, checkPanels(t, readme, plant(t, dashboard, `"title": "Window full"`, `"title": "Windows"`)), "Window full")
}

func checkPanels(t *testing.T, readme, dashboard string) []string {
	t.Helper()
	var board struct {
		Panels []struct{ Title string }
	}
	if err := json.Unmarshal([]byte(dashboard), &board); err != nil {
		t.Fatal(err)
	}
	// What else stands in italics there: words of Kubernetes and of letters.
	other := []string{
		"Connection refused", "Timeout", "OOMKilled", "Error, exit code 2", "Liveness probe failed", "mapping", "call", "submitted", "paid",
	}
	sections, _ := runbook(readme)
	italics := regexp.MustCompile(`(?:^|[^*])\*([A-Za-z][^*]*)\*(?:[^*]|$)`)
	var found []string
	named := 0
	for _, name := range sorted(sections) {
		for _, m := range italics.FindAllStringSubmatch(sections[name], -1) {
			words := strings.Join(strings.Fields(m[1]), " ")
			switch {
			case slices.ContainsFunc(board.Panels, func(p struct{ Title string }) bool { return p.Title == words }):
				named++
			case !slices.Contains(other, words):
				found = append(found, fmt.Sprintf("%s: no panel %q", name, words))
			}
		}
	}
	if named < 10 {
		found = append(found, fmt.Sprintf("only %d panels are named: are they looked for in the right place?", named))
	}
	return found
}
