package config_test

import (
	"fmt"
	"os"

	"leadhit-sync/config"
)

// All mistakes come back at once, one line each.
func ExampleLoad() {
	restore := environment(map[string]string{
		"KAFKA_BROKERS":   "PLAINTEXT://kafka:9092",
		"LEADHIT_TIMEOUT": "8s",
		"WINDOW_BYTES":    "16MB",
	})
	defer restore()

	_, err := config.Load()
	fmt.Println(err)
	// Output:
	// KAFKA_BROKERS: "PLAINTEXT://kafka:9092" has a scheme; KAFKA_TLS says whether to speak TLS; for example KAFKA_BROKERS=kafka-1:9092,kafka-2:9092
	// KAFKA_TOPICS: required; for example KAFKA_TOPICS=orders
	// LEADHIT_API_KEY_FILE: required, unless LEADHIT_API_KEY is set; for example LEADHIT_API_KEY_FILE=/run/secrets/leadhit-api-key
	// LEADHIT_TIMEOUT: 8s is too long for KAFKA_SESSION_TIMEOUT 10s: 10s - 8s - 1s (margin) leaves 1s to start calls in, but a third of the session, 3.333s, is needed; for example LEADHIT_TIMEOUT=5s
	// WINDOW_BYTES: "16MB" is not a size in B, KiB, MiB or GiB; for example WINDOW_BYTES=16MiB
}

func ExampleSecret() {
	var key config.Secret
	if err := key.UnmarshalText([]byte("0123456789abcdef")); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%v %s %+v %d\n", key, key, struct{ Key config.Secret }{key}, len(key.Reveal()))
	// Output: *** *** {Key:***} 16
}

// environment sets the variables in want, and unsets all other settings. restore puts the old values back.
func environment(want map[string]string) (restore func()) {
	before := map[string]string{}
	for _, v := range config.Variables() {
		if old, set := os.LookupEnv(v.Name); set {
			before[v.Name] = old
		}
		replace(v.Name, want)
	}
	return func() {
		for _, v := range config.Variables() {
			replace(v.Name, before)
		}
	}
}

func replace(name string, in map[string]string) {
	value, set := in[name]
	if !set {
		_ = os.Unsetenv(name)
		return
	}
	_ = os.Setenv(name, value)
}
