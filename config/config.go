// Package config reads every setting of the worker from the environment.
//
// Load returns either settings that can work, singly and together, or an *Error with all mistakes. Each mistake is one
// line: the variable, what is wrong and, where one helps, an example. A variable that is set but empty is a mistake if
// it has a default or is required, because an empty value is more likely a slip in a manifest than intended. Anything
// that only looks like a mistake, such as a variable whose name is one letter off, becomes a warning.
//
// Load opens the files named in the settings, but does not parse them. Code that parses them (the key, certificates,
// the mapping) starts from [Inspect] and adds its own mistakes with [Error.Add].
//
// Config's tags are the only source of names, defaults, limits and explanations. They feed Load, the table in the
// README and Variables, so these cannot drift apart.
//
// No secret is part of an error, a warning or a table. Values are read once and never change. Files that contain
// secrets are only checked here; the code that uses them rereads them. The package starts no goroutine and keeps no
// state.
package config

import (
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Config contains every setting. Its zero value is not usable; Load returns a filled one.
//
// Tags: envconfig, default and required are envconfig's own. min, max and choices limit a value. The settings table
// prints the tag "help". In place of a default that is not a plain value, it prints the tag "shown". Errors print the
// tag "example".
type Config struct {
	Kafka struct {
		Brokers          list          `envconfig:"KAFKA_BROKERS" required:"true" example:"kafka-1:9092,kafka-2:9092" help:"Brokers to connect to first, host:port, separated by commas."`
		Topics           list          `envconfig:"KAFKA_TOPICS" required:"true" example:"orders" help:"Topics with order events, separated by commas."`
		Group            string        `envconfig:"KAFKA_GROUP" default:"leadhit-sync" help:"Consumer group; with two groups, LeadHit gets each call twice."`
		Start            start         `envconfig:"KAFKA_START" default:"earliest" example:"2026-01-31T00:00:00Z" help:"Where a group without commits starts: earliest, latest or an RFC 3339 time."`
		SessionTimeout   time.Duration `envconfig:"KAFKA_SESSION_TIMEOUT" default:"10s" min:"6s" max:"30s" help:"How long a silent worker keeps its partitions."`
		TLS              bool          `envconfig:"KAFKA_TLS" default:"false" example:"true" help:"Speak TLS (1.2 or newer) with the brokers."`
		TLSCAFile        string        `envconfig:"KAFKA_TLS_CA_FILE" shown:"the system's" example:"/etc/kafka/ca.pem" help:"PEM file with additional authorities to trust for the brokers' certificates; read again when it changes."`
		TLSCertFile      string        `envconfig:"KAFKA_TLS_CERT_FILE" example:"/etc/kafka/tls.crt" help:"PEM file with the worker's certificate."`
		TLSKeyFile       string        `envconfig:"KAFKA_TLS_KEY_FILE" example:"/etc/kafka/tls.key" help:"PEM file with the key of that certificate."`
		SASLMechanism    string        `envconfig:"KAFKA_SASL_MECHANISM" choices:"PLAIN,SCRAM-SHA-256,SCRAM-SHA-512" example:"SCRAM-SHA-512" help:"How to log in to the brokers; PLAIN only over TLS."`
		SASLUsername     string        `envconfig:"KAFKA_SASL_USERNAME" example:"leadhit-sync" help:"User name."`
		SASLPasswordFile string        `envconfig:"KAFKA_SASL_PASSWORD_FILE" example:"/run/secrets/kafka-password" help:"File with the password; read again for each connection."`
	}
	LeadHit struct {
		URL        string        `envconfig:"LEADHIT_URL" default:"https://service.leadhit.ru/api/v1/orders/" help:"LeadHit's orders node; http only on this machine. A missing slash at its end is added."`
		APIKeyFile string        `envconfig:"LEADHIT_API_KEY_FILE" shown:"required, unless LEADHIT_API_KEY is set" example:"/run/secrets/leadhit-api-key" help:"File with the API key; read again when it changes."`
		APIKey     Secret        `envconfig:"LEADHIT_API_KEY" shown:"required, unless LEADHIT_API_KEY_FILE is set" example:"0123456789abcdef" help:"The API key itself; a change needs a restart."`
		Timeout    time.Duration `envconfig:"LEADHIT_TIMEOUT" default:"3s" min:"100ms" max:"17s" help:"Time limit of one call; at most 0.56 of KAFKA_SESSION_TIMEOUT."`
		CAFile     string        `envconfig:"LEADHIT_CA_FILE" shown:"the system's" example:"/etc/leadhit/ca.pem" help:"PEM file with additional authorities to trust for LeadHit's certificate; read again when it changes."`
		// Proxy is a secret because its URL may contain a password.
		Proxy Secret `envconfig:"LEADHIT_PROXY" example:"http://proxy:3128" help:"Proxy for the calls: an http, https or socks5 URL. No other variable sets one."`
	}
	// Calls and window: how many calls and events are handled at once.
	CallsInFlight int `envconfig:"CALLS_IN_FLIGHT" default:"64" min:"1" max:"1024" help:"Calls in flight at once, per worker."`
	// CallsPerSecond is 0, or at least 0.01.
	CallsPerSecond float64 `envconfig:"CALLS_PER_SECOND" default:"0" min:"0" max:"10000" example:"50" help:"Calls per second, per worker; 0 means no limit, and any other value must be at least 0.01."`
	SkipRepeats    bool    `envconfig:"SKIP_REPEATS" default:"true" example:"false" help:"Make no call for a status that LeadHit accepted last for the order."`
	WindowEvents   int     `envconfig:"WINDOW_EVENTS" default:"10000" min:"1" max:"1000000" help:"Maximum number of unfinished events, per partition."`
	WindowBytes    size    `envconfig:"WINDOW_BYTES" default:"16MiB" min:"1MiB" max:"64GiB" help:"Memory for unfinished events and requested fetches, per worker; large batches take up to 8 MiB more, or the size of a single batch that is larger."`
	// Mapping is a preset's name or a file's path.
	Mapping string `envconfig:"MAPPING" default:"plain" help:"How an event becomes a status: a preset's name, or a file."`
	// SchemaRegistry says where to find the schemas that events refer to by id. Without a URL, the only schemas are
	// those in the mapping's files.
	SchemaRegistry struct {
		URL          string `envconfig:"SCHEMA_REGISTRY_URL" example:"https://schema-registry:8081" help:"Schema registry (Confluent's API) for Avro and Protobuf events; http only on this machine."`
		CAFile       string `envconfig:"SCHEMA_REGISTRY_CA_FILE" shown:"the system's" example:"/etc/schema-registry/ca.pem" help:"PEM file with additional authorities to trust for the registry's certificate; read again when it changes."`
		Username     string `envconfig:"SCHEMA_REGISTRY_USERNAME" example:"leadhit-sync" help:"User name for the registry."`
		PasswordFile string `envconfig:"SCHEMA_REGISTRY_PASSWORD_FILE" example:"/run/secrets/schema-registry-password" help:"File with the password; read again for each request."`
	}
	Retry struct {
		Initial    time.Duration `envconfig:"RETRY_INITIAL" default:"500ms" min:"1ms" max:"1m" help:"Longest wait before the second attempt; it doubles with every attempt."`
		Max        time.Duration `envconfig:"RETRY_MAX" default:"1m" min:"1ms" max:"15m" help:"Longest wait before any attempt."`
		MaxElapsed time.Duration `envconfig:"RETRY_MAX_ELAPSED" default:"15m" min:"0" max:"168h" help:"How long an order may keep failing while others succeed, before its event becomes a dead letter; 0 sets no limit."`
	}
	DeadLetter struct {
		Topic string `envconfig:"DEAD_LETTER_TOPIC" shown:"dlq.<group>" example:"dlq.leadhit-sync" help:"Topic of the dead letters; created if it does not exist."`
		Types list   `envconfig:"DEAD_LETTER_TYPES" default:"ValidationError" help:"The data.type values of LeadHit's errors that retries cannot fix, separated by commas."`
	}
	HTTPAddr string `envconfig:"HTTP_ADDR" default:":8080" help:"Address of /livez, /readyz, /metrics and /status."`
	Log      struct {
		Level  slog.Level `envconfig:"LOG_LEVEL" default:"info" choices:"debug,info,warn,error" help:"Minimum log level."`
		Format string     `envconfig:"LOG_FORMAT" default:"json" choices:"json,text" help:"Format of log lines."`
	}

	Desk struct {
		Addr           string   `envconfig:"DESK_ADDR" default:"127.0.0.1:8090" help:"Address of the desk's pages; everybody who reaches it can read them, unless DESK_TOKEN_FILE is set."`
		Write          bool     `envconfig:"DESK_WRITE" default:"false" example:"true" help:"Whether known users may replay, dismiss, reopen, pause, resume, and see unmasked values at the desk."`
		UserHeader     string   `envconfig:"DESK_USER_HEADER" example:"X-Forwarded-Email" help:"Header in which an authenticating proxy in front of the desk names the user."`
		TrustedProxies networks `envconfig:"DESK_TRUSTED_PROXIES" example:"10.1.2.3" help:"Addresses or networks of that proxy, separated by commas; from all others, the header is ignored."`
		TokenFile      string   `envconfig:"DESK_TOKEN_FILE" example:"/run/secrets/desk-tokens" help:"File with the desk's users, where there is no such proxy: a line \"name token\" for each; read again when it changes."`
	}

	Traces traces

	// Warnings are lines to log at startup, about what looks like a mistake.
	Warnings []string
}

// Load reads the process's environment. If there are mistakes, it returns all of them as one *Error, and no settings.
func Load() (*Config, error) {
	return load(func(string) bool { return true })
}

// Inspect is like Load, but returns the settings even if there are mistakes, for a caller that makes further checks.
// Settings with a mistake must not be used.
func Inspect() (*Config, *Error) {
	c, p := read(tryFile)
	return c, p.listed()
}

// InspectWithoutFiles is like [Inspect], but opens none of the files named in the settings, for a machine without them.
func InspectWithoutFiles() (*Config, *Error) {
	c, p := read(func(string) error { return nil })
	return c, p.listed()
}

// LoadKafka is like Load, for a command that reads the dead letters or writes to the ledger. It checks only the
// settings of the Kafka connection, and DEAD_LETTER_TOPIC. Other settings may be missing or wrong, and must not be
// used.
func LoadKafka() (*Config, error) {
	return load(func(variable string) bool {
		return strings.HasPrefix(variable, "KAFKA_") && variable != "KAFKA_TOPICS" && variable != "KAFKA_START" ||
			variable == "DEAD_LETTER_TOPIC"
	})
}

// LoadPreview is like Load, for a command that reads order events and makes no calls. It checks only the settings of
// the Kafka connection, the topics, the mapping with its schemas, DEAD_LETTER_TOPIC, CALLS_IN_FLIGHT and SKIP_REPEATS.
// Other settings may be missing or wrong, and must not be used.
func LoadPreview() (*Config, error) {
	return load(ofPreview)
}

func ofPreview(variable string) bool {
	return strings.HasPrefix(variable, "KAFKA_") && variable != "KAFKA_START" ||
		strings.HasPrefix(variable, "SCHEMA_REGISTRY_") ||
		slices.Contains([]string{"DEAD_LETTER_TOPIC", "MAPPING", "CALLS_IN_FLIGHT", "SKIP_REPEATS"}, variable)
}

// LoadDesk is like Load, for the desk. It checks only the settings that [LoadPreview] checks, and the desk's own.
func LoadDesk() (*Config, error) {
	return load(func(variable string) bool {
		return ofPreview(variable) || strings.HasPrefix(variable, "DESK_")
	})
}

// LoadStatus is like Load, for a command that queries the worker on this host for its status. It checks only HTTP_ADDR.
// Other settings may be missing or wrong, and must not be used.
func LoadStatus() (*Config, error) {
	return load(func(variable string) bool { return variable == "HTTP_ADDR" })
}

// load reads all settings. It reports only the mistakes in those settings for which matters returns true.
func load(matters func(variable string) bool) (*Config, error) {
	c, p := read(tryFile)
	p.found = slices.DeleteFunc(p.found, func(f Problem) bool { return !matters(f.Variable) })
	if err := p.listed(); err != nil {
		return nil, err
	}
	return c, nil
}

// read reads and checks all settings. It calls open to check that a file named in a setting can be read.
func read(open func(path string) error) (*Config, *problems) {
	c := new(Config)
	p := &problems{settings: settingsOf(c), open: open}
	for _, s := range p.settings {
		if what := s.read(); what != "" {
			p.add(s.name(), what)
		}
	}
	if c.DeadLetter.Topic == "" {
		c.DeadLetter.Topic = "dlq." + c.Kafka.Group
	}
	c.checkKafka(p)
	c.checkTopics(p)
	c.checkLeadHit(p)
	c.checkSchemaRegistry(p)
	c.checkTraces(p)
	c.checkDesk(p)
	c.checkWork(p)
	c.improveExamples(p)
	c.Warnings = c.warnings(p.settings)
	return c, p
}
