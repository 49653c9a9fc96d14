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
	pattern *regexp.Regexp // nil for names
	every   bool           // it is for every topic
}

func (m matcher) match(topic string) bool {
	if m.pattern != nil {
		return m.pattern.MatchString(topic)
	}
	return m.every || slices.Contains(m.names, topic)
}

func (l *loader) matcher(s *spec, alone bool) matcher {
	m := matcher{place: s.place, name: s.name}
	switch {
	case s.match == nil && !alone:
		l.add(s.place, "match", "is missing: with several mappings each says for which topics it is")
	case s.match == nil:
		m.every = true
	case s.match.pattern.value != "":
		m.place = s.match.pattern.place
		_, err := regexp.Compile(s.match.pattern.value) // by itself first, for the sake of the words
		if err == nil {
			m.pattern, err = regexp.Compile("^(?:" + s.match.pattern.value + ")$")
		}
		if err != nil {
			l.add(m.place, "match.topics", "%s", notRE2(err))
		}
	default:
		m.place = s.match.place
		for _, name := range s.match.names {
			m.names = append(m.names, name.value)
		}
	}
	return m
}

// bind finds the one mapping of each topic: of those that will be read, and of those that are named.
func (l *loader) bind(r *reader, m *Mapping) {
	topics := slices.Clone(l.options.Topics)
	for _, matcher := range m.matchers {
		topics = append(topics, matcher.names...)
	}
	slices.Sort(topics)
	broken := len(m.matchers) == 0 ||
		slices.ContainsFunc(l.found, func(p Problem) bool { return strings.HasPrefix(p.Where, "match") })
	for _, topic := range slices.Compact(topics) {
		var by []string
		var at place
		for i, matcher := range m.matchers {
			if matcher.match(topic) {
				by, at = append(by, matcher.name), matcher.place
				m.topics[topic] = m.programs[i]
			}
		}
		at.mapping = ""
		switch {
		case len(by) == 0 && !broken:
			l.add(place{file: r.file}, "", "the topic %q is matched by no mapping; there are %s", topic, strings.Join(m.names(), ", "))
		case len(by) > 1:
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
