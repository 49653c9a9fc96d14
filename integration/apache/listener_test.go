package apache_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/apache"
)

func TestListenersAreAddedToThePlainOne(t *testing.T) {
	t.Parallel()
	cabled := apache.Certificates("CERTIFICATES", "/broker.pem", "/ca.pem")
	cabled.Advertised = "127.0.0.1:9"
	login := apache.Login("LOGIN", apache.LoginOptions{
		Keystore: "/broker.pem", Plain: map[string]string{"worker": "secret"}, Reauthenticate: 5 * time.Second,
	})
	// These are the settings of the second of two nodes. Each node uses four ports.
	lines := strings.Split(apache.PropertiesWith([]int{1, 2, 3, 4, 5, 6, 7, 8}, 2, login, cabled), "\n")
	for _, want := range []string{
		"listeners=PLAINTEXT://127.0.0.1:5,CONTROLLER://127.0.0.1:6,LOGIN://127.0.0.1:7,CERTIFICATES://127.0.0.1:8",
		"advertised.listeners=PLAINTEXT://127.0.0.1:5,LOGIN://127.0.0.1:7,CERTIFICATES://127.0.0.1:9",
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_SSL,CERTIFICATES:SSL",
		"controller.quorum.voters=1@127.0.0.1:2,2@127.0.0.1:6",
		"listener.name.login.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
		`listener.name.login.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_worker="secret";`,
		"listener.name.login.scram-sha-512.connections.max.reauth.ms=5000",
		"listener.name.login.ssl.keystore.location=/broker.pem",
		"listener.name.certificates.ssl.client.auth=required",
		"listener.name.certificates.ssl.truststore.location=/ca.pem",
		"authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users=User:ANONYMOUS",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("got no line %q in:\n%s", want, strings.Join(lines, "\n"))
		}
	}
}
