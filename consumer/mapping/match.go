package mapping

import (
	"regexp"
	"slices"
	"strings"
)

// A matcher tells which topics a mapping is for.
type matcher struct {
	place
	name    string
	names   []string
	pattern *regexp.Regexp // nil for names; without both it is for every topic
}

func (m matcher) match(topic string) bool {
	if m.pattern != nil {
		return m.pattern.MatchString(topic)
	}
	return len(m.names) == 0 || slices.Contains(m.names, topic)
}

func (l *loader) matcher(s *spec, alone bool) matcher {
	m := matcher{place: s.place, name: s.name}
	switch {
	case s.match == nil && !alone:
		l.add(s.place, "match", "is missing: with several mappings each says for which topics it is")
	case s.match == nil:
	case s.match.pattern.value != "":
		re, err := regexp.Compile("^(?:" + s.match.pattern.value + ")$")
		if err != nil {
			l.add(s.match.pattern.place, "match.topics", "not an RE2: %v", err)
			return m
		}
		m.place, m.pattern = s.match.pattern.place, re
	default:
		m.place = s.match.place
		for _, name := range s.match.names {
			m.names = append(m.names, name.value)
		}
	}
	return m
}

// bind finds the one mapping of each topic.
func (l *loader) bind(r *reader, m *Mapping) {
	topics := slices.Clone(l.options.Topics)
	for _, matcher := range m.matchers {
		for _, name := range matcher.names {
			if !slices.Contains(topics, name) {
				topics = append(topics, name)
			}
		}
	}
	for _, topic := range topics {
		var by []string
		var at place
		for i, matcher := range m.matchers {
			if matcher.match(topic) {
				by = append(by, matcher.name)
				at = matcher.place
				m.topics[topic] = m.programs[i]
			}
		}
		switch {
		case len(m.matchers) == 0:
		case len(by) == 0:
			l.add(place{file: r.file}, "", "the topic %q is matched by no mapping; there are %s", topic, strings.Join(m.names(), ", "))
		case len(by) > 1:
			at.mapping = ""
			l.add(at, "", "the topic %q is matched by %d mappings: %s", topic, len(by), strings.Join(by, ", "))
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

// program returns the mapping of a topic, or nil. One mapping alone decodes whatever it is given, so that a replayed
// record can be decoded as the event it was.
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
