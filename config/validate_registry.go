package config

// checkSchemaRegistry checks the settings of the connection to the registry. Without its URL the other settings
// have no effect, so the URL was probably forgotten.
func (c *Config) checkSchemaRegistry(p *problems) {
	r := &c.SchemaRegistry
	if r.URL == "" {
		for _, s := range []struct{ variable, value string }{
			{"SCHEMA_REGISTRY_CA_FILE", r.CAFile},
			{"SCHEMA_REGISTRY_USERNAME", r.Username},
			{"SCHEMA_REGISTRY_PASSWORD_FILE", r.PasswordFile},
		} {
			if s.value != "" {
				p.addOther(s.variable, "not used without SCHEMA_REGISTRY_URL",
					"SCHEMA_REGISTRY_URL", "https://schema-registry:8081")
			}
		}
		return
	}
	// Anyone who changes a schema in transit decides which field is read as an order's id, so http is refused even without
	// a password.
	if what := wrongURL(r.URL, "use SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD_FILE",
		"where others could change the schemas"); what != "" {
		p.add("SCHEMA_REGISTRY_URL", what)
	}
	switch {
	case r.Username == "" && r.PasswordFile != "":
		p.add("SCHEMA_REGISTRY_USERNAME", "required with SCHEMA_REGISTRY_PASSWORD_FILE")
	case r.Username != "" && r.PasswordFile == "":
		p.add("SCHEMA_REGISTRY_PASSWORD_FILE", "required with SCHEMA_REGISTRY_USERNAME")
	}
	p.addFile("SCHEMA_REGISTRY_CA_FILE", r.CAFile)
	p.addFile("SCHEMA_REGISTRY_PASSWORD_FILE", r.PasswordFile)
}
