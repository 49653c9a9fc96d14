package lint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Program is what the rules know about leadhit-sync.
type Program struct {
	// Settings are the settings in `leadhit-sync config --table`, in its order.
	Settings []Setting
	// Paths are the paths that the worker serves on HTTP_ADDR.
	Paths []string
	// Drain bounds the end of a generation, Rebalance a join in progress, IO one exchange with a broker.
	Drain, Rebalance, IO time.Duration
}

// Setting is one setting of the program.
type Setting struct {
	Name string
	// Default is "" if there is none.
	Default  string
	Required bool
}

// ReadProgram reads the Markdown table that the binary prints, and paths and time limits from the source below root.
// The source is searched as text, so that a constant may move to another file in its folder.
func ReadProgram(root, table string) (*Program, error) {
	p := &Program{Settings: ParseTable(table)}
	worker, err := source(filepath.Join(root, "cmd/worker"))
	if err != nil {
		return nil, err
	}
	for _, found := range regexp.MustCompile(`"GET (/[a-z]+)"`).FindAllStringSubmatch(worker, -1) {
		p.Paths = append(p.Paths, found[1])
	}
	consumer, err := source(filepath.Join(root, "consumer"))
	if err != nil {
		return nil, err
	}
	dialer, err := source(filepath.Join(root, "consumer/broker/dial"))
	if err != nil {
		return nil, err
	}
	var wrong [3]error
	p.Drain, wrong[0] = seconds(consumer, "drainLimit")
	p.Rebalance, wrong[1] = seconds(consumer, "rebalanceTimeout")
	p.IO, wrong[2] = seconds(dialer, "ioLimit")
	if len(p.Settings) == 0 || len(p.Paths) == 0 {
		return nil, errors.New("no settings in the table, or no path in the source")
	}
	return p, errors.Join(wrong[:]...)
}

// source returns the text of a folder's Go files, excluding tests.
func source(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		if !strings.HasSuffix(file, "_test.go") {
			all.Write(text)
		}
	}
	return all.String(), nil
}

// seconds returns the constant with that name, which must be a number of seconds.
func seconds(source, name string) (time.Duration, error) {
	found := regexp.MustCompile(`(?m)^(?:const |\t)` + name + `\s+= (\d+) \* time\.Second$`).FindStringSubmatch(source)
	if found == nil {
		return 0, fmt.Errorf("no constant %s = n * time.Second in the source", name)
	}
	n, err := strconv.Atoi(found[1])
	return time.Duration(n) * time.Second, err
}

// ParseTable reads the settings from text that contains their Markdown table.
func ParseTable(text string) []Setting {
	var settings []Setting
	row := regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)` \\| ([^|]*) \\|")
	for _, found := range row.FindAllStringSubmatch(text, -1) {
		s := Setting{Name: found[1], Required: found[2] == "required"}
		if value, ok := strings.CutPrefix(found[2], "`"); ok {
			s.Default = strings.TrimSuffix(value, "`")
		}
		settings = append(settings, s)
	}
	return settings
}

// setting returns the setting with that name.
func (p *Program) setting(name string) (Setting, bool) {
	i := slices.IndexFunc(p.Settings, func(s Setting) bool { return s.Name == name })
	if i < 0 {
		return Setting{}, false
	}
	return p.Settings[i], true
}
