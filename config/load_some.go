package config

import "strings"

// LoadStatus is Load for a command that asks the worker of this host how it fares: it needs HTTP_ADDR alone. Mistakes of other
// settings do not count, nor does their absence, and these settings must not be used.
func LoadStatus() (*Config, error) {
	return load(func(variable string) bool { return variable == "HTTP_ADDR" })
}

// LoadMapping is Load for one who only wants to know whether the mapping can be loaded: it needs MAPPING and the way to its
// schemas. Mistakes of other settings do not count, nor does their absence: where KAFKA_TOPICS is at fault there are no
// topics. Other settings must not be used.
func LoadMapping() (*Config, error) {
	return load(func(variable string) bool {
		return variable == "MAPPING" || strings.HasPrefix(variable, "SCHEMA_REGISTRY_")
	})
}
