package lint_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"leadhit-sync/deploy/lint"
)

// written is one line of settings.env.
type written struct {
	name, value string
	comment     bool
}

// settingsFile reads the base's settings, including those in comments.
func settingsFile(t *testing.T, text string) []written {
	t.Helper()
	var all []written
	for _, found := range regexp.MustCompile(`(?m)^(#?)([A-Z][A-Z0-9_]*)=(.*)$`).FindAllStringSubmatch(text, -1) {
		all = append(all, written{name: found[2], value: found[3], comment: found[1] == "#"})
	}
	return all
}

// disagreement returns how the base's settings differ from the program's.
func disagreement(file []written, program []lint.Setting) []string {
	var found []string
	for i, s := range program {
		at := slices.IndexFunc(file, func(w written) bool { return w.name == s.Name })
		if at < 0 {
			found = append(found, "settings.env lacks "+s.Name)
			continue
		}
		switch w := file[at]; {
		case s.Default == "" && !w.comment && !strings.HasSuffix(w.name, "_FILE"):
			found = append(found, w.name+" has no default, and is in force in settings.env")
		case s.Default != "" && (w.comment || w.value != s.Default):
			found = append(found, w.name+" is "+w.value+" in settings.env, and the program's default is "+s.Default)
		case at != i:
			found = append(found, w.name+" is in another place than in the program's table")
		}
	}
	for _, w := range file {
		if !slices.ContainsFunc(program, func(s lint.Setting) bool { return s.Name == w.name }) {
			found = append(found, w.name+" is not a setting of the program")
		}
	}
	return found
}

func TestTheBaseTheReadmeAndTheProgramHaveTheSameSettings(t *testing.T) {
	t.Parallel()
	program := lint.ParseTable(table(t))
	for _, wrong := range disagreement(settingsFile(t, read(t, "../base/settings.env")), program) {
		t.Error(wrong)
	}
	readme := lint.ParseTable(read(t, root, "config", "README.md"))
	if !slices.Equal(readme, program) {
		t.Errorf("got the settings %v in config/README.md, want those of the program, %v", readme, program)
	}
}

func TestADisagreementAboutSettingsIsFound(t *testing.T) {
	t.Parallel()
	text, program := read(t, "../base/settings.env"), lint.ParseTable(table(t))
	for name, c := range map[string]struct{ old, new, want string }{
		"a setting is missing from the base": {"LOG_FORMAT=json\n", "", "settings.env lacks LOG_FORMAT"},
		"an unknown setting":                 {"LOG_FORMAT=json\n", "LOG_FORMAT=json\nLOG_COLOUR=auto\n", "LOG_COLOUR is not a setting"},
		"another default":                    {"CALLS_IN_FLIGHT=64", "CALLS_IN_FLIGHT=32", "CALLS_IN_FLIGHT is 32 in settings.env"},
		"a default in a comment":             {"CALLS_IN_FLIGHT=64", "#CALLS_IN_FLIGHT=64", "CALLS_IN_FLIGHT is 64 in settings.env"},
		"a value of one shop":                {"#KAFKA_TOPICS=orders", "KAFKA_TOPICS=orders", "KAFKA_TOPICS has no default"},
		"another order":                      {"LOG_LEVEL=info\nLOG_FORMAT=json", "LOG_FORMAT=json\nLOG_LEVEL=info", "LOG_LEVEL is in another place"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantFound(t, disagreement(settingsFile(t, plant(t, text, c.old, c.new)), program), c.want)
		})
	}
}

func TestTheProgramAcceptsTheSettingsOfEveryOverlay(t *testing.T) {
	t.Parallel()
	for name, o := range overlays(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := output(t, onDisk(t, o), "config", "--check")
			if err != nil || !strings.Contains(text, "complete and consistent") {
				t.Errorf("got %v and\n%s\nwant the settings accepted", err, text)
			}
			if strings.Contains(text, "warn") && name != kafkaScale {
				t.Errorf("got\n%s\nwant no warning", text)
			}
		})
	}
}

// The desk's pod has neither LeadHit's key nor the worker's files, so files are not checked.
func TestTheProgramAcceptsTheSettingsOfTheDesk(t *testing.T) {
	t.Parallel()
	environment, _ := overlays(t)[withDesk].Desk()
	text, err := output(t, environment, "config", "--check", "--skip-files")
	if err != nil || strings.Contains(text, "warn") {
		t.Errorf("got %v and\n%s\nwant the settings accepted without a warning", err, text)
	}
	environment["DESK_TRUSTED_PROXIES"] = "0.0.0.0/0"
	if text, err = output(t, environment, "config", "--check", "--skip-files"); err == nil || !strings.Contains(text, "DESK_TRUSTED_PROXIES: ") {
		t.Errorf("got %v and\n%s\nwant a proxy at any address refused", err, text)
	}
}

func TestTheProgramRefusesSettingsThatCannotWork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ setting, value, want string }{
		"a window beyond the memory":    {"WINDOW_BYTES", "84MiB", "WINDOW_BYTES: 84MiB is too much for GOMEMLIMIT 115MiB"},
		"a call longer than the lease":  {"LEADHIT_TIMEOUT", "8s", "LEADHIT_TIMEOUT: 8s is too long"},
		"a file that is not mounted":    {"LEADHIT_CA_FILE", "/etc/leadhit-sync/leadhit-ca/ca.crt", "LEADHIT_CA_FILE: the file cannot be used"},
		"a key sent to another machine": {"LEADHIT_URL", "http://leadhit.example.com/", "LEADHIT_URL: http to another machine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environment := onDisk(t, overlays(t)[minimal])
			environment[c.setting] = c.value
			text, err := output(t, environment, "config", "--check")
			if err == nil || !strings.Contains(text, c.want) {
				t.Errorf("got %v and\n%s\nwant it refused with %q", err, text, c.want)
			}
		})
	}
}

func TestTheMappingOfEveryOverlayFitsItsTopics(t *testing.T) {
	t.Parallel()
	files := 0
	for name, o := range overlays(t) {
		environment := onDisk(t, o)
		if strings.Contains(environment["MAPPING"], "/") {
			files++
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mapping := environment["MAPPING"]
			text, err := output(t, nil, "mapping", "check", "--strict", mapping, "--topics", environment["KAFKA_TOPICS"])
			if err != nil {
				t.Errorf("got %v and\n%s\nwant the mapping accepted", err, text)
			}
		})
	}
	if files == 0 {
		t.Error("got no overlay with a mapping of its own")
	}
}

func TestAMappingThatDoesNotFitIsFound(t *testing.T) {
	t.Parallel()
	environment := onDisk(t, overlays(t)[production])
	text, err := output(t, nil, "mapping", "check", environment["MAPPING"], "--topics", "orders,returns")
	if err == nil || !strings.Contains(text, "returns") {
		t.Errorf("got %v and\n%s\nwant a line about the topic without a mapping", err, text)
	}
	rendering := plant(t, renderings(t)[production], "preset: ", "preset: shop")
	environment = onDisk(t, decoded(t, rendering))
	if text, err := output(t, nil, "mapping", "check", environment["MAPPING"]); err == nil {
		t.Errorf("got\n%s\nwant an unknown preset refused", text)
	}
}

func TestTheFirstOverlayOfTheReadmeIsOneThatIsChecked(t *testing.T) {
	t.Parallel()
	overlay := strings.ReplaceAll(read(t, "../overlays/ci/minimal/kustomization.yaml"), "../../../base", "../../base")
	if readme := read(t, "../README.md"); !strings.Contains(readme, "```yaml\n"+overlay+"```\n") {
		t.Errorf("got no block in the README with overlays/ci/minimal, its base one folder nearer:\n%s", overlay)
	}
}
