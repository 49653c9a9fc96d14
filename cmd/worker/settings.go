package worker

import (
	"context"
	"log/slog"

	"leadhit-sync/config"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/consumer/mapping/schema"
)

// Settings reads the environment and decides whether a worker can start with it, for run, check and config --check.
// Like the worker, it reads the files named in the settings (the key, certificates, passwords, the mapping), but it
// opens no connection. The error is a *config.Error with all mistakes.
func Settings(version string) (*config.Config, error) {
	c, mistakes := config.Inspect()
	if mistakes = inspect(c, mistakes, version); mistakes != nil {
		return nil, mistakes // an error must not hold a nil *config.Error
	}
	return c, nil
}

// SettingsWithoutFiles is like Settings, but reads no files, for use in CI, where the files are missing. It also
// returns the names of the settings whose files were not checked.
func SettingsWithoutFiles(version string) (c *config.Config, unread []string, err error) {
	c, mistakes := config.InspectWithoutFiles()
	blank := *c
	unread = dropFiles(&blank)
	if mistakes = inspect(&blank, mistakes, version); mistakes != nil {
		return nil, unread, mistakes
	}
	return c, unread, nil
}

// inspect opens everything that a worker opens, and adds failures to the mistakes. It leaves out settings with a
// mistake, so that mistakes in the other settings are found too.
func inspect(c *config.Config, mistakes *config.Error, version string) *config.Error {
	sound := withoutMistakes(c, mistakes)
	discard := slog.New(slog.DiscardHandler)
	var found []config.Problem
	// An error that is not a mistake in a setting is left for Open to return.
	add := func(err error) {
		if all := joined(err); all != nil {
			found = append(found, all.Problems...)
		}
	}
	if !mistakes.Has("MAPPING") {
		_, closing, err := OpenMapping(&sound, version, discard)
		closing()
		add(err)
	}
	if cluster, err := OpenCluster(&sound, discard); err != nil {
		add(err)
	} else {
		cluster.Close()
	}
	if client, _, err := OpenLeadHit(&sound, version, discard); err != nil {
		add(err)
	} else {
		client.Close()
	}
	if !mistakes.Has("OTEL_EXPORTER_OTLP_CERTIFICATE") {
		_, err := openTracing(&sound, version, discard)
		add(err)
	}
	return mistakes.Add(found...)
}

// withoutMistakes returns a copy of the settings, with a harmless value for each setting that has a mistake.
func withoutMistakes(c *config.Config, mistakes *config.Error) config.Config {
	sound := *c
	k, l, r := &sound.Kafka, &sound.LeadHit, &sound.SchemaRegistry
	for _, s := range []struct {
		variables []string
		drop      func()
	}{
		{[]string{"KAFKA_BROKERS"}, func() { k.Brokers = []string{"localhost:9092"} }},
		{[]string{"KAFKA_TOPICS"}, func() { k.Topics = nil }},
		{[]string{"KAFKA_TLS_CA_FILE"}, func() { k.TLSCAFile = "" }},
		{[]string{"KAFKA_TLS_CERT_FILE", "KAFKA_TLS_KEY_FILE"}, func() { k.TLSCertFile, k.TLSKeyFile = "", "" }},
		{
			[]string{"KAFKA_TLS", "KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD_FILE"},
			func() { k.SASLMechanism = "" },
		},
		{[]string{"LEADHIT_URL"}, func() { l.URL = "https://localhost/" }},
		{[]string{"LEADHIT_API_KEY", "LEADHIT_API_KEY_FILE"}, func() { l.APIKey, l.APIKeyFile = placeholder(), "" }},
		{[]string{"LEADHIT_CA_FILE"}, func() { l.CAFile = "" }},
		{[]string{"LEADHIT_PROXY"}, func() { l.Proxy = config.Secret{} }},
		{[]string{"SCHEMA_REGISTRY_URL"}, func() { r.URL = "" }},
		{[]string{"SCHEMA_REGISTRY_CA_FILE"}, func() { r.CAFile = "" }},
		{
			[]string{"SCHEMA_REGISTRY_USERNAME", "SCHEMA_REGISTRY_PASSWORD_FILE"},
			func() { r.Username, r.PasswordFile = "", "" },
		},
		{[]string{"OTEL_EXPORTER_OTLP_CERTIFICATE"}, func() { sound.Traces.CAFile = "" }},
	} {
		if mistakes.Has(s.variables...) {
			s.drop()
		}
	}
	return sound
}

// dropFiles clears all settings that name a file, and returns the names of those that were set.
func dropFiles(c *config.Config) (unread []string) {
	k, l, r := &c.Kafka, &c.LeadHit, &c.SchemaRegistry
	drop := func(variable string, path *string) {
		if *path != "" {
			unread = append(unread, variable)
			*path = ""
		}
	}
	drop("KAFKA_TLS_CA_FILE", &k.TLSCAFile)
	drop("KAFKA_TLS_CERT_FILE", &k.TLSCertFile)
	drop("KAFKA_TLS_KEY_FILE", &k.TLSKeyFile)
	if drop("KAFKA_SASL_PASSWORD_FILE", &k.SASLPasswordFile); k.SASLMechanism != "" {
		k.SASLMechanism = ""
	}
	if drop("LEADHIT_API_KEY_FILE", &l.APIKeyFile); l.APIKey.Reveal() == "" {
		l.APIKey = placeholder()
	}
	drop("LEADHIT_CA_FILE", &l.CAFile)
	if mapping.IsFile(c.Mapping) {
		unread = append(unread, "MAPPING")
		c.Mapping = "plain"
	}
	drop("SCHEMA_REGISTRY_CA_FILE", &r.CAFile)
	drop("SCHEMA_REGISTRY_PASSWORD_FILE", &r.PasswordFile)
	drop("OTEL_EXPORTER_OTLP_CERTIFICATE", &c.Traces.CAFile)
	return unread
}

// placeholder returns a value that replaces a key that was not read.
func placeholder() (key config.Secret) {
	_ = key.UnmarshalText([]byte("placeholder")) // it has neither a space nor a control character
	return key
}

// noSchemas replaces the lookup in a registry that cannot be opened.
func noSchemas(context.Context, int) (*schema.Schema, error) { return nil, schema.ErrUnreachable }
