package config

import (
	"os"
	"slices"
	"strings"
)

// improveExamples replaces examples that contradict other settings. If a required variable is missing, the mistake's
// text also names an environment variable that is probably its misspelling.
func (c *Config) improveExamples(p *problems) {
	for i := range p.found {
		f := &p.found[i]
		switch f.Variable {
		case "KAFKA_TOPICS":
			f.Example = c.exampleTopics()
		case "DEAD_LETTER_TOPIC":
			if slices.Contains(c.Kafka.Topics, f.Example) {
				f.Example = "letters." + f.Example
			}
		case "LEADHIT_API_KEY":
			if c.LeadHit.APIKeyFile != "" {
				f.Example = ""
			}
		}
		if unset := os.Getenv(f.Variable) == ""; unset && strings.HasPrefix(f.What, required) {
			if meant := p.meant(f.Variable); meant != "" {
				f.What += "; " + meant + " is set but is not a setting (did you mean " + f.Variable + "?)"
			}
		}
	}
}

// required starts the text about a variable that is missing.
const required = "required"

// meant returns an environment variable whose name is nearly that of the missing one, or "".
func (p *problems) meant(missing string) string {
	for _, name := range environment() {
		near := suggest(name, p.settings)
		// Either setting may contain the key, so a name that resembles one may be meant for the other.
		if near == missing || near == "LEADHIT_API_KEY" && missing == "LEADHIT_API_KEY_FILE" {
			return name
		}
	}
	return ""
}

// exampleTopics returns topics that the worker may read: the valid topics in KAFKA_TOPICS or, if there are none, a
// topic that the worker does not reserve for itself.
func (c *Config) exampleTopics() string {
	var good []string
	for _, topic := range c.Kafka.Topics {
		if isLegalName(topic) && !isInternal(topic) && !slices.Contains(c.ownTopics(), topic) {
			good = append(good, topic)
		}
	}
	if len(good) > 0 {
		return strings.Join(good, ",")
	}
	example := "orders"
	for slices.Contains(c.ownTopics(), example) {
		example = "shop." + example
	}
	return example
}

// ownTopics returns the topics that the worker reserves for itself.
func (c *Config) ownTopics() []string {
	return []string{c.DeadLetter.Topic, c.DeadLetter.Topic + ".ledger", c.Kafka.Group + ".replay"}
}

// environment returns the names of all variables, sorted.
func environment() []string {
	var names []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
