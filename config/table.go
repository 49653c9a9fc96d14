package config

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"text/tabwriter"
	"time"
)

// Variable is one setting as the table shows it.
type Variable struct {
	Name string
	// Default is the value if the variable is not set, in the variable's own form, or "" if there is no default.
	Default string
	// Required says that Load fails without the variable. One of LEADHIT_API_KEY_FILE and LEADHIT_API_KEY is required.
	Required bool
	// Secret says that the value must not be shown.
	Secret bool
	// Meaning explains the variable in a sentence or two, limits included.
	Meaning string

	shown string
}

// Variables returns every setting, in the order of the table.
func Variables() []Variable {
	settings := settingsOf(new(Config))
	variables := make([]Variable, len(settings))
	for i, s := range settings {
		_, secret := reflect.TypeAssert[Secret](s.value)
		variables[i] = Variable{
			Name:     s.name(),
			Default:  s.tag("default"),
			Required: s.required(),
			Secret:   secret,
			Meaning:  s.meaning(),
			shown:    s.shown(),
		}
	}
	return variables
}

// meaning returns the help with the limits.
func (s setting) meaning() string {
	switch {
	case s.tag("min") != "":
		return fmt.Sprintf("%s %s to %s.", s.tag("help"), s.tag("min"), s.tag("max"))
	case s.tag("choices") != "":
		return fmt.Sprintf("%s One of %s.", s.tag("help"), strings.ReplaceAll(s.tag("choices"), ",", ", "))
	}
	return s.tag("help")
}

// shown returns the default as the table shows it.
func (s setting) shown() string {
	switch {
	case s.required():
		return "required"
	case s.tag("default") != "":
		return "`" + s.tag("default") + "`"
	case s.tag("shown") != "":
		return s.tag("shown")
	}
	return "none"
}

// WriteTable writes the settings as a Markdown table: variable, default, meaning.
func WriteTable(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| variable | default | meaning |\n| --- | --- | --- |\n")
	for _, v := range Variables() {
		// GitHub would render <group> as an HTML tag.
		shown := strings.NewReplacer("<", "\\<", ">", "\\>").Replace(v.shown)
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, shown, v.Meaning)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Values returns each variable's value in force, in the order of [Variables]: *** for a secret, and "" for a variable
// that is not set.
func (c *Config) Values() []string {
	var values []string
	for _, s := range settingsOf(c) {
		values = append(values, s.text())
	}
	return values
}

// WriteValues writes each variable and the value in force, in two columns: *** for a secret, and a dash for a variable
// that is not set.
func (c *Config) WriteValues(w io.Writer) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range settingsOf(c) {
		// All lines have two cells, so the tabwriter writes nothing before Flush, which returns its errors.
		_, _ = fmt.Fprintf(columns, "%s\t%s\n", s.name(), cmp.Or(s.text(), "-"))
	}
	return columns.Flush()
}

// text returns the value in the variable's own form, or "" if there is none.
func (s setting) text() string {
	var text string
	switch v := s.value.Interface().(type) {
	case Secret:
		if v.Reveal() != "" {
			text = mask
		}
	case list:
		text = strings.Join(v, ",")
	case slog.Level:
		text = strings.ToLower(v.String())
	case time.Duration:
		text = brief(v)
	default:
		text = fmt.Sprint(v)
	}
	return text
}

// brief returns the duration as a person writes it: 15m instead of Go's 15m0s.
func brief(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
