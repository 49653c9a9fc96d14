package config

import "net/url"

// checkSchemaRegistry judges the way to the registry. Without its URL the other settings wait for something that was
// forgotten.
func (c *Config) checkSchemaRegistry(p *problems) {
	r := &c.SchemaRegistry
	if r.URL == "" {
		for _, s := range []struct{ variable, value string }{
			{"SCHEMA_REGISTRY_CA_FILE", r.CAFile},
			{"SCHEMA_REGISTRY_USERNAME", r.Username},
			{"SCHEMA_REGISTRY_PASSWORD_FILE", r.PasswordFile},
		} {
			if s.value != "" {
				p.addOther(s.variable, "is set while SCHEMA_REGISTRY_URL is not", "SCHEMA_REGISTRY_URL", "https://schema-registry:8081")
			}
		}
		return
	}
	if what := wrongRegistry(r.URL); what != "" {
		p.add("SCHEMA_REGISTRY_URL", what)
	}
	switch {
	case r.Username == "" && r.PasswordFile != "":
		p.add("SCHEMA_REGISTRY_USERNAME", "is required with SCHEMA_REGISTRY_PASSWORD_FILE")
	case r.Username != "" && r.PasswordFile == "":
		p.add("SCHEMA_REGISTRY_PASSWORD_FILE", "is required with SCHEMA_REGISTRY_USERNAME")
	}
	p.addFile("SCHEMA_REGISTRY_CA_FILE", r.CAFile)
	p.addFile("SCHEMA_REGISTRY_PASSWORD_FILE", r.PasswordFile)
}

// wrongRegistry says what is wrong with the registry's address, or "". It never quotes it. Whoever can change a schema
// under way decides what an order's number is, so http is refused even where no password travels.
func wrongRegistry(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return "is not an https URL"
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "has a user, a query or a fragment; use SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD_FILE"
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return "is http to another machine, where others could change the schemas; use https"
	}
	return ""
}
