package mapping

import (
	"slices"

	"leadhit-sync/consumer/mapping/spec"
)

// Report lists the parts of a loaded mapping, for its author.
type Report struct {
	Mappings []ReportedMapping `json:"mappings"`
	// Statuses are LeadHit's statuses, as the file lists them.
	Statuses []string `json:"statuses"`
	// Findings are parts that are valid but probably unintended: a code or a literal that a field can never equal, a
	// field that no rule reads, a path into an envelope that is opened, a topic that is not read, or an encoding that
	// has none of the schemas it needs.
	Findings []spec.Problem `json:"findings"`
}

// ReportedMapping is one mapping of a file.
type ReportedMapping struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Topics are the names or the RE2. They are empty if the mapping is for every topic.
	Topics []string `json:"topics"`
	Each   string   `json:"each,omitempty"` // the path of the list of orders
	// Fields, Rules and Lists include the preset's, except those that the mapping replaces.
	Fields    []ReportedField `json:"fields"`
	Rules     []ReportedRule  `json:"rules"`
	Lists     []ReportedList  `json:"status"`
	Otherwise string          `json:"otherwise"`
}

// ReportedField is one declared field.
type ReportedField struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Sources are tried in this order: "path $.id", "header Order".
	Sources []string `json:"sources"`
}

// ReportedRule is one rule.
type ReportedRule struct {
	When string `json:"when"` // CEL, as it is written
	Then string `json:"then"` // a status, ignore or dead-letter
}

// ReportedList is one status list.
type ReportedList struct {
	Status string   `json:"status"`
	Codes  []string `json:"codes"`
}

// Check reports the parts of the mapping, and findings about them.
func (m *Mapping) Check() Report {
	r := Report{Statuses: m.statuses}
	var found spec.Problems
	for i, p := range m.programs {
		reported := p.report()
		reported.Topics = m.matchers[i].topics()
		r.Mappings = append(r.Mappings, reported)
		p.unreadFields(&found)
		p.impossibleCodes(&found)
		for _, f := range p.findings.All() {
			found.Add(f.Place, f.Where, "%s", f.Text)
		}
		for _, name := range m.matchers[i].names {
			if len(m.configured) > 0 && !slices.Contains(m.configured, name) {
				found.Add(m.matchers[i].Place, "match.topics", "the topic %q is not among those that are read", name)
			}
		}
	}
	r.Findings = append([]spec.Problem{}, found.All()...) // in JSON an empty list, not null
	return r
}

func (m matcher) topics() []string {
	if m.pattern != nil {
		return []string{m.pattern.String()}
	}
	return append([]string{}, m.names...)
}

// report returns the parts of the mapping. Its lists are empty rather than nil, which JSON would show as null.
func (p *program) report() ReportedMapping {
	r := ReportedMapping{
		Name: p.name, Description: p.description, Each: p.eachText,
		Fields: []ReportedField{}, Rules: []ReportedRule{}, Lists: []ReportedList{}, Otherwise: p.otherwise.String(),
	}
	for i := range p.fields {
		f := ReportedField{Name: p.fields[i].name, Type: p.fields[i].kind.String()}
		for _, s := range p.fields[i].sources {
			f.Sources = append(f.Sources, s.text)
		}
		r.Fields = append(r.Fields, f)
	}
	for _, rule := range p.rules {
		r.Rules = append(r.Rules, ReportedRule{When: rule.text, Then: rule.then.String()})
	}
	for _, l := range p.lists {
		list := ReportedList{Status: l.status, Codes: []string{}}
		for _, c := range l.codes {
			list.Codes = append(list.Codes, c.Value)
		}
		r.Lists = append(r.Lists, list)
	}
	return r
}

// String returns the verdict as a mapping writes it.
func (v verdict) String() string {
	switch v.action {
	case sayCall:
		return v.status
	case sayIgnore:
		return spec.Ignore
	case sayPass:
		return spec.Pass
	case sayRefuse:
	}
	return spec.DeadLetter
}

// unreadFields finds fields that no rule reads.
func (p *program) unreadFields(found *spec.Problems) {
	// These names have a meaning of their own, so they are useful without a rule.
	read := map[string]bool{"order_id": true, "status": true, "event_time": true, "event_id": true, "version": true}
	for _, rule := range p.rules {
		for _, i := range rule.reads {
			read[p.fields[i].name] = true
		}
	}
	for i := range p.fields {
		if f := &p.fields[i]; !read[f.name] {
			found.Add(f.at, "fields."+f.name, "no rule reads it")
		}
	}
}

// impossibleCodes finds codes that no status can equal after normalize and pattern.
func (p *program) impossibleCodes(found *spec.Problems) {
	if p.status == none {
		return
	}
	f := &p.fields[p.status]
	for _, l := range p.lists {
		for _, c := range l.codes {
			switch normal := f.normal(c.Value); {
			case normal != c.Value:
				found.Add(c.Place, "status."+l.status,
					"the code %q can never match: normalize makes it %q", c.Value, normal)
			case f.pattern != nil && !f.pattern.MatchString(c.Value):
				found.Add(c.Place, "status."+l.status,
					"the code %q can never match: it does not match the field's pattern", c.Value)
			}
		}
	}
}
