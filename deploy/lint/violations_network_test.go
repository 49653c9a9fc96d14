package lint_test

import (
	"regexp"
	"testing"

	"sigs.k8s.io/yaml"
)

// The README's patch for brokers and DNS elsewhere gives a policy that the rules take.
func TestThePatchOfTheReadmeForBrokersElsewhereIsTaken(t *testing.T) {
	t.Parallel()
	block := regexp.MustCompile("(?s)### Brokers and DNS elsewhere.*?```yaml\n(.*?)```").FindStringSubmatch(read(t, "../README.md"))
	if block == nil {
		t.Fatal("got no patch in the README")
	}
	var kustomization struct {
		Patches []struct{ Patch string }
	}
	if err := yaml.Unmarshal([]byte(block[1]), &kustomization); err != nil {
		t.Fatal(err)
	}
	operations, err := yaml.YAMLToJSON([]byte(kustomization.Patches[0].Patch))
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := violation{object: "ConfigMap/leadhit-sync", patch: replace("/data/KAFKA_BROKERS", `"192.0.2.3:9094"`)}.planted(t, overlays(t)[minimal])
	if findings := elsewhere.Judge(known(t)); len(findings) != 1 {
		t.Errorf("got %q without the patch, want one: the broker is out of reach", findings)
	}
	for _, finding := range (violation{object: policy, patch: string(operations)}).planted(t, elsewhere).Judge(known(t)) {
		t.Error(finding)
	}
}

// statusViolations are what keeps "leadhit-sync status --workers dns:…" from a worker, and a Service that does more.
func statusViolations() []violation {
	const service = "Service/leadhit-sync"
	door := func(spec string) string {
		return `{"apiVersion":"v1","kind":"Service","metadata":{"name":"x","namespace":"leadhit-sync"},"spec":` + spec + `}`
	}
	return []violation{
		{name: "no name for the workers", rule: "status", want: "no headless Service", overlay: minimal, object: service},
		{name: "another name", rule: "status", want: "no headless Service", overlay: minimal, object: service, patch: replace("/metadata/name", `"workers"`)},
		{name: "a name in another namespace", rule: "status", want: "no headless Service", overlay: production, object: service, patch: replace("/metadata/namespace", `"other"`)},
		{name: "one address for all", rule: "status", want: "is not headless", overlay: minimal, object: service, patch: remove("/spec/clusterIP")},
		{name: "a door beside it", rule: "status", want: "Service/x: is not headless", overlay: minimal, add: door(`{"type":"LoadBalancer","selector":{"a":"b"},"ports":[{"port":80}]}`)},
		{name: "a port of each node", rule: "status", want: "Service/x: is not headless", overlay: minimal, add: door(`{"type":"NodePort","clusterIP":"None","ports":[{"port":80}]}`)},
		{name: "a name of other pods", rule: "status", want: "does not select", overlay: minimal, object: service, patch: replace("/spec/selector/app.kubernetes.io~1component", `"desk"`)},
		{name: "a name of nobody", rule: "status", want: "does not select", overlay: minimal, object: service, patch: remove("/spec/selector")},
		{name: "ready workers alone", rule: "status", want: "not ready", overlay: minimal, object: service, patch: remove("/spec/publishNotReadyAddresses")},
		{name: "another port in the name", rule: "status", want: "lacks the port 8080", overlay: minimal, object: service, patch: replace("/spec/ports/0/port", "80")},
		{name: "a port that the worker has not", rule: "status", want: "lacks the port 8080", overlay: minimal, object: service, patch: replace("/spec/ports/0/targetPort", `"metrics"`)},
		{name: "workers shut out", rule: "status", want: "does not let workers in", overlay: minimal, object: policy, patch: remove("/spec/ingress/1")},
		{name: "other pods let in", rule: "status", want: "does not let workers in", overlay: minimal, object: policy, patch: replace("/spec/ingress/1/from/0/podSelector/matchLabels/app.kubernetes.io~1component", `"desk"`)},
		{name: "workers of another namespace let in", rule: "status", want: "does not let workers in", overlay: minimal, object: policy, patch: add("/spec/ingress/1/from/0/namespaceSelector", `{"matchLabels":{"kubernetes.io/metadata.name":"other"}}`)},
		{name: "workers shut in", rule: "status", want: "out to other workers, port 8080", overlay: minimal, object: policy, patch: remove("/spec/egress/3")},
		{name: "workers let out to another port", rule: "status", want: "out to other workers, port 8080", overlay: minimal, object: policy, patch: replace("/spec/egress/3/ports/0/port", "8081")},
	}
}

// openingViolations are the policies that look closed and are not, and those that shut the worker in.
func openingViolations() []violation {
	const broker, https = "/spec/egress/1", "/spec/egress/2"
	brokers := func(hosts string) string { return replace("/data/KAFKA_BROKERS", `"`+hosts+`"`) }
	return []violation{
		{name: "all namespaces in", rule: "network", want: "lets all namespaces in", overlay: minimal, object: policy, patch: replace("/spec/ingress/0/from/0/namespaceSelector", "{}")},
		{name: "the world in", rule: "network", want: "everybody in from 0.0.0.0/0", overlay: minimal, object: policy, patch: add("/spec/ingress/0/from/-", `{"ipBlock":{"cidr":"0.0.0.0/0"}}`)},
		{name: "half the world in", rule: "network", want: "everybody in from 128.0.0.0/1", overlay: minimal, object: policy, patch: add("/spec/ingress/0/from/-", `{"ipBlock":{"cidr":"128.0.0.0/1"}}`)},
		{name: "in to a range of ports", rule: "network", want: "another port than http", overlay: minimal, object: policy, patch: add("/spec/ingress/0/ports/0/endPort", "9000")},
		{name: "out to all namespaces", rule: "network", want: "out to all namespaces", overlay: minimal, object: policy, patch: replace(broker+"/to/0/namespaceSelector", "{}")},
		{name: "out without a port's number", rule: "network", want: "no single numbers", overlay: minimal, object: policy, patch: remove(https + "/ports/0/port")},
		{name: "out to a named port", rule: "network", want: "no single numbers", overlay: minimal, object: policy, patch: replace(https+"/ports/0/port", `"https"`)},
		{name: "out to a range of ports", rule: "network", want: "no single numbers", overlay: minimal, object: policy, patch: add(https+"/ports/0/endPort", "65535")},
		{name: "the world in two halves", rule: "network", want: "private addresses in 10.0.0.0/8", overlay: minimal, object: policy, patch: add(https+"/to/-", `{"ipBlock":{"cidr":"0.0.0.0/1"}}`)},
		{name: "the other half", rule: "network", want: "private addresses in 192.168.0.0/16", overlay: minimal, object: policy, patch: add(https+"/to/-", `{"ipBlock":{"cidr":"128.0.0.0/1","except":["169.254.0.0/16"]}}`)},
		{name: "half of IPv6", rule: "network", want: "private addresses in fc00::/7", overlay: minimal, object: policy, patch: add(https+"/to/-", `{"ipBlock":{"cidr":"8000::/1"}}`)},
		{name: "a block one bit wider than a private one", rule: "network", want: "private addresses in 10.0.0.0/8", overlay: minimal, object: policy, patch: add(https+"/to/-", `{"ipBlock":{"cidr":"10.0.0.0/7"}}`)},
		{name: "an exception for one address", rule: "network", want: "private addresses in 10.0.0.0/8", overlay: minimal, object: policy, patch: replace(https+"/to/0/ipBlock/except/0", `"10.0.0.0/24"`)},
		{name: "the cloud's credentials by their own block", rule: "network", want: "169.254.169.254", overlay: minimal, object: policy, patch: add(https+"/to/-", `{"ipBlock":{"cidr":"169.254.0.0/16"}}`)},

		{name: "DNS by TCP alone", rule: "network", want: "DNS by UDP", overlay: minimal, object: policy, patch: remove("/spec/egress/0/ports/0")},
		{name: "DNS by UDP alone", rule: "network", want: "DNS by TCP", overlay: minimal, object: policy, patch: remove("/spec/egress/0/ports/1")},
		{name: "brokers by UDP", rule: "network", want: "kafka-1.kafka.svc, port 9092", overlay: minimal, object: policy, patch: replace(broker+"/ports/0/protocol", `"UDP"`)},
		{name: "brokers in another namespace", rule: "network", want: "kafka.shop.svc, port 9092", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: brokers("kafka.shop.svc:9092")},
		{name: "brokers in another namespace, by their full name", rule: "network", want: "port 9092", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: brokers("kafka.shop.svc.cluster.local:9092")},
		{name: "brokers beside the worker", rule: "network", want: "out to kafka, port 9092", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: brokers("kafka:9092")},
		{name: "brokers outside", rule: "network", want: "kafka.example.com, port 9092", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: brokers("kafka.example.com:9092")},
		{name: "a broker beside the block", rule: "network", want: "192.0.2.99, port 9092", overlay: cpuScale, object: "ConfigMap/leadhit-sync", patch: brokers("192.0.2.99:9092")},
	}
}
