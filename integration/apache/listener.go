package apache

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Listener is an additional listener of each node.
type Listener struct {
	// Name consists of capital letters. PLAINTEXT and CONTROLLER are in use.
	Name string
	// Protocol is PLAINTEXT, SSL, SASL_SSL or SASL_PLAINTEXT.
	Protocol string
	// Advertised is the address that the broker sends to clients, host:port. Empty means the real address.
	Advertised string
	// Properties are the listener's settings, without the prefix listener.name.NAME.
	Properties map[string]string
}

// LoginOptions configure the listener that [Login] returns.
type LoginOptions struct {
	// Keystore is a PEM file with the nodes' key and certificate. Empty means no TLS.
	Keystore string
	// Plain maps each PLAIN user to a password. [Cluster.SetPassword] creates SCRAM users.
	Plain map[string]string
	// Reauthenticate is how long a login is valid before the node closes the connection. 0 means forever.
	Reauthenticate time.Duration
}

// Login returns a listener for users with passwords: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
func Login(name string, o LoginOptions) Listener {
	mechanisms := []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}
	set := map[string]string{
		"sasl.enabled.mechanisms":                   strings.Join(mechanisms, ","),
		"plain.sasl.jaas.config":                    plainUsers(o.Plain),
		"scram-sha-256.sasl.jaas.config":            scramLogin,
		"scram-sha-512.sasl.jaas.config":            scramLogin,
		"connection.failed.authentication.delay.ms": "100",
	}
	if o.Reauthenticate > 0 {
		for _, mechanism := range mechanisms {
			set[strings.ToLower(mechanism)+".connections.max.reauth.ms"] = strconv.FormatInt(o.Reauthenticate.Milliseconds(), 10)
		}
	}
	if o.Keystore == "" {
		return Listener{Name: name, Protocol: "SASL_PLAINTEXT", Properties: set}
	}
	set["ssl.keystore.type"], set["ssl.keystore.location"] = "PEM", o.Keystore
	return Listener{Name: name, Protocol: "SASL_SSL", Properties: set}
}

const scramLogin = "org.apache.kafka.common.security.scram.ScramLoginModule required;"

func plainUsers(passwords map[string]string) string {
	var text strings.Builder
	text.WriteString("org.apache.kafka.common.security.plain.PlainLoginModule required")
	for _, user := range slices.Sorted(maps.Keys(passwords)) {
		fmt.Fprintf(&text, " user_%s=%q", user, passwords[user])
	}
	text.WriteString(";")
	return text.String()
}

// Certificates returns a listener for users with a certificate that is signed by an authority in truststore. The
// certificate's common name is the user's name. truststore is a PEM file. keystore is as in [LoginOptions].
func Certificates(name, keystore, truststore string) Listener {
	return Listener{Name: name, Protocol: "SSL", Properties: map[string]string{
		"ssl.keystore.type": "PEM", "ssl.keystore.location": keystore,
		"ssl.truststore.type": "PEM", "ssl.truststore.location": truststore,
		"ssl.client.auth":             "required",
		"ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
	}}
}

// authorizing returns extra with the settings that make a node check ACLs.
func authorizing(extra map[string]string) map[string]string {
	all := map[string]string{
		"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		// The nodes themselves and this package use the plain listener.
		"super.users":                    "User:ANONYMOUS",
		"allow.everyone.if.no.acl.found": "false",
	}
	maps.Copy(all, extra)
	return all
}

// addListeners adds the additional listeners to a node's settings.
func (l layout) addListeners(set map[string]string, id int) {
	for i, listener := range l.listeners {
		addr := l.listenerAddr(id, i)
		set["listeners"] += "," + listener.Name + "://" + addr
		set["advertised.listeners"] += "," + listener.Name + "://" + cmp.Or(listener.Advertised, addr)
		set["listener.security.protocol.map"] += "," + listener.Name + ":" + listener.Protocol
		for name, value := range listener.Properties {
			set[listener.prefix()+name] = value
		}
	}
	if len(l.listeners) > 0 {
		// Tests replace a certificate with one that has other names.
		set["ssl.allow.dn.changes"], set["ssl.allow.san.changes"] = "true", "true"
	}
}

func (l Listener) prefix() string { return "listener.name." + strings.ToLower(l.Name) + "." }

func (l layout) listenerAddrs(id int) map[string]string {
	addrs := make(map[string]string, len(l.listeners))
	for i, listener := range l.listeners {
		addrs[listener.Name] = l.listenerAddr(id, i)
	}
	return addrs
}
