package config

// LoadStatus is Load for a command that asks the worker of this host for its status: it needs HTTP_ADDR alone. Mistakes
// of other settings do not count, nor does their absence, and these settings must not be used.
func LoadStatus() (*Config, error) {
	return load(func(variable string) bool { return variable == "HTTP_ADDR" })
}
