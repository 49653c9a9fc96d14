package mapping

import (
	"regexp"
	"slices"
	"strings"

	"leadhit-sync/consumer/mapping/spec"
)

// A matcher says which topics a mapping is for.
type matcher struct {
	spec.Place

	name    string
	names   []string
	pattern *regexp.Regexp // nil for names
	every   bool           // the mapping is for every topic
}

func (m matcher) match(topic string) bool {
	if m.pattern != nil {
		return m.pattern.MatchString(topic)
	}
	return m.every || slices.Contains(m.names, topic)
}

// matcher compiles the "match" of a mapping. The only mapping in a file may omit it, and is then for every topic.
func (l *loader) matcher(s *spec.Mapping, alone bool) matcher {
	m := matcher{Place: s.Place, name: s.Name}
	switch {
	case s.Match == nil && !alone:
		l.Add(s.Place, "match", "is missing: with several mappings each must say which topics it is for")
	case s.Match == nil:
		m.every = true
	case s.Match.Pattern.Value != "":
		m.Place = s.Match.Pattern.Place
		// First compile the pattern as written, so that a message shows what the author wrote.
		_, err := regexp.Compile(s.Match.Pattern.Value)
		if err == nil {
			m.pattern, err = regexp.Compile("^(?:" + s.Match.Pattern.Value + ")$")
		}
		if err != nil {
			l.Add(m.Place, "match.topics", "%s", notRE2(err))
		}
	default:
		m.Place = s.Match.Place
		for _, name := range s.Match.Names {
			m.names = append(m.names, name.Value)
		}
	}
	return m
}

// bind finds the one mapping for each topic that will be read or that a mapping names.
func (l *loader) bind(m *Mapping) {
	topics := slices.Clone(l.options.Topics)
	for _, matcher := range m.matchers {
		topics = append(topics, matcher.names...)
	}
	slices.Sort(topics)
	// If a match has a mistake, it is unknown which topics lack a mapping.
	inMatch := func(p spec.Problem) bool { return strings.HasPrefix(p.Where, "match") }
	broken := len(m.matchers) == 0 || slices.ContainsFunc(l.All(), inMatch)
	for _, topic := range slices.Compact(topics) {
		var by []string
		var at spec.Place
		for i, matcher := range m.matchers {
			if matcher.match(topic) {
				by, at = append(by, matcher.name), matcher.Place
				m.topics[topic] = m.programs[i]
			}
		}
		// This problem concerns several mappings, so its place names none of them.
		at.Mapping = ""
		switch {
		case len(by) == 0 && !broken:
			l.Add(spec.Place{File: l.options.Source}, "", "no mapping matches the topic %q; the file has %s",
				topic, strings.Join(m.names(), ", "))
		case len(by) > 1:
			l.Add(at, "", "the topic %q is matched by %d mappings: %s", topic, len(by), strings.Join(by, ", "))
		}
	}
}

func (m *Mapping) names() []string {
	all := make([]string, len(m.programs))
	for i, p := range m.programs {
		all[i] = p.name
	}
	return all
}

// program returns the mapping for a topic, or nil. A single mapping decodes the records of every topic, so that the
// event in a dead letter can be decoded again.
func (m *Mapping) program(topic string) *program {
	if len(m.programs) == 1 {
		return m.programs[0]
	}
	if p, ok := m.topics[topic]; ok {
		return p
	}
	for i, matcher := range m.matchers {
		if matcher.match(topic) {
			return m.programs[i]
		}
	}
	return nil
}
