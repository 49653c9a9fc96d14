package config

import (
	"fmt"
	"net"
	"slices"
	"strings"
)

// checkKafka checks the settings of the connection to the brokers.
func (c *Config) checkKafka(p *problems) {
	for _, broker := range c.Kafka.Brokers {
		host, port, err := net.SplitHostPort(broker)
		switch {
		case strings.Contains(broker, "://"):
			p.add("KAFKA_BROKERS", fmt.Sprintf("%q has a scheme; KAFKA_TLS says whether to speak TLS", clip(broker)))
		case err != nil || host == "" || !isPort(port, 1):
			p.add("KAFKA_BROKERS", fmt.Sprintf("%q is not host:port", clip(broker)))
		}
	}
	c.checkTLS(p)
	c.checkSASL(p)
}

// checkTLS checks that the files can be read, and that the certificate and its key are set together. The code that
// loads the files checks whether they contain PEM and belong together.
func (c *Config) checkTLS(p *problems) {
	k := &c.Kafka
	files := []struct{ variable, path string }{
		{"KAFKA_TLS_CA_FILE", k.TLSCAFile},
		{"KAFKA_TLS_CERT_FILE", k.TLSCertFile},
		{"KAFKA_TLS_KEY_FILE", k.TLSKeyFile},
	}
	for _, file := range files {
		if file.path == "" {
			continue
		}
		// TLS files without KAFKA_TLS are a half-finished change, and connecting without TLS would hide that.
		if p.good("KAFKA_TLS") && !k.TLS {
			p.addOther(file.variable, "not used while KAFKA_TLS is false", "KAFKA_TLS", "true")
			continue
		}
		p.addFile(file.variable, file.path)
	}
	if k.TLSCertFile != "" && k.TLSKeyFile == "" {
		p.add("KAFKA_TLS_KEY_FILE", "required with KAFKA_TLS_CERT_FILE")
	}
	if k.TLSKeyFile != "" && k.TLSCertFile == "" {
		p.add("KAFKA_TLS_CERT_FILE", "required with KAFKA_TLS_KEY_FILE")
	}
}

// checkSASL checks that mechanism, user and password are either all set or all unset. PLAIN sends the password itself,
// so it needs TLS. SCRAM does not send the password, and may be used without TLS.
func (c *Config) checkSASL(p *problems) {
	k := &c.Kafka
	if !p.good("KAFKA_SASL_MECHANISM") {
		return
	}
	for _, s := range []struct{ variable, value string }{
		{"KAFKA_SASL_USERNAME", k.SASLUsername},
		{"KAFKA_SASL_PASSWORD_FILE", k.SASLPasswordFile},
	} {
		switch {
		case k.SASLMechanism == "" && s.value != "":
			p.addOther(s.variable, "not used without KAFKA_SASL_MECHANISM", "KAFKA_SASL_MECHANISM", "SCRAM-SHA-512")
		case k.SASLMechanism != "" && s.value == "":
			p.add(s.variable, "required with KAFKA_SASL_MECHANISM")
		}
	}
	if k.SASLMechanism == "PLAIN" && p.good("KAFKA_TLS") && !k.TLS {
		p.addOther("KAFKA_SASL_MECHANISM", "PLAIN sends the password unencrypted while KAFKA_TLS is false",
			"KAFKA_TLS", "true")
	}
	if k.SASLMechanism != "" {
		p.addFile("KAFKA_SASL_PASSWORD_FILE", k.SASLPasswordFile)
	}
}

// checkTopics checks the names of the group and the topics, and that no topic with events is one that we write to. A
// worker that took its own letters for events would turn each into another letter, endlessly.
func (c *Config) checkTopics(p *problems) {
	if p.good("KAFKA_GROUP") && !isLegalName(c.Kafka.Group) {
		p.add("KAFKA_GROUP", fmt.Sprintf("%q has characters other than letters, digits, dot, dash and underscore, "+
			"or is too long; topics are named after it", clip(c.Kafka.Group)))
	}
	if p.good("KAFKA_GROUP", "DEAD_LETTER_TOPIC") && !isLegalName(c.DeadLetter.Topic) {
		p.add("DEAD_LETTER_TOPIC",
			fmt.Sprintf("%q is not a topic name that Kafka accepts, or is too long", clip(c.DeadLetter.Topic)))
	}
	if p.good("DEAD_LETTER_TOPIC") && isInternal(c.DeadLetter.Topic) {
		p.add("DEAD_LETTER_TOPIC", fmt.Sprintf("%q is an internal topic of Kafka", c.DeadLetter.Topic))
	}
	for _, topic := range c.Kafka.Topics {
		switch {
		case !isLegalName(topic):
			p.add("KAFKA_TOPICS", fmt.Sprintf("%q is not a topic name that Kafka accepts, or is too long", clip(topic)))
		case isInternal(topic):
			p.add("KAFKA_TOPICS", fmt.Sprintf("%q is an internal topic of Kafka", topic))
		case topic == c.DeadLetter.Topic:
			p.add("KAFKA_TOPICS",
				fmt.Sprintf("%q is the DEAD_LETTER_TOPIC: the worker would read its own letters", topic))
		case slices.Contains(c.ownTopics(), topic):
			p.add("KAFKA_TOPICS", fmt.Sprintf("%q is reserved for the worker itself", topic))
		}
	}
}
