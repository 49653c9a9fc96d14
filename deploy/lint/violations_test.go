package lint_test

import (
	"slices"
	"strings"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"leadhit-sync/deploy/lint"
)

// violation is a fault planted into a rendered overlay.
type violation struct {
	name string
	// rule is the one to find it, with a text that holds want.
	rule, want string
	overlay    string
	// object is changed by a JSON patch, or taken away where there is none. A ConfigMap goes by its name without the hash.
	object, patch string
	// add is an object to add.
	add string
}

const (
	production = "production-example"
	minimal    = "ci/minimal"
	kafkaScale = "ci/keda-kafka"
	cpuScale   = "ci/hpa-cpu"

	worker    = "Deployment/leadhit-sync"
	container = "/spec/template/spec/containers/0"
)

func replace(path, value string) string {
	return `[{"op":"replace","path":"` + path + `","value":` + value + `}]`
}

func add(path, value string) string {
	return `[{"op":"add","path":"` + path + `","value":` + value + `}]`
}

func remove(path string) string { return `[{"op":"remove","path":"` + path + `"}]` }

// violations has one or more of each rule.
func violations() []violation {
	return slices.Concat(podViolations(), hardeningViolations(), templateViolations(), settingViolations(), secretViolations(), rolloutViolations(), networkViolations(), openingViolations(), statusViolations(), scalingViolations(), kafkaViolations())
}

func podViolations() []violation {
	return []violation{
		{name: "a misspelt field", rule: "decode", want: "minReadySecnds", overlay: minimal, object: worker, patch: add("/spec/minReadySecnds", "5")},
		{name: "a kind that nobody knows", rule: "decode", want: "Deploymnt", overlay: minimal, add: `{"apiVersion":"apps/v1","kind":"Deploymnt","metadata":{"name":"x"}}`},
		{name: "a misspelt field of KEDA's", rule: "decode", want: "pollingIntervall", overlay: production, object: "ScaledObject/leadhit-sync", patch: add("/spec/pollingIntervall", "5")},
		{name: "a number where KEDA wants text", rule: "decode", want: "metadata.threshold is not a string", overlay: production, object: "ScaledObject/leadhit-sync", patch: replace("/spec/triggers/0/metadata/threshold", "30")},
		{name: "text where Strimzi wants a number", rule: "decode", want: "spec.partitions is not a whole number", overlay: production, object: "KafkaTopic/orders", patch: replace("/spec/partitions", `"12"`)},
		{name: "another version of a custom resource", rule: "decode", want: "is of kafka.strimzi.io/v1beta2", overlay: production, object: "KafkaUser/leadhit-sync", patch: replace("/apiVersion", `"kafka.strimzi.io/v1beta2"`)},
		{name: "a topic without its cluster", rule: "decode", want: "lacks metadata.labels.strimzi.io/cluster", overlay: production, object: "KafkaTopic/orders", patch: remove("/metadata/labels/strimzi.io~1cluster")},
		{name: "a misspelt field of a certificate", rule: "decode", want: "spec.renewBefor", overlay: production, object: "Certificate/leadhit-sync-kafka", patch: add("/spec/renewBefor", `"1h"`)},
		{name: "a misspelt field of an external secret", rule: "decode", want: "spec.refreshIntervall", overlay: production, object: "ExternalSecret/leadhit-sync", patch: add("/spec/refreshIntervall", `"1h"`)},
		{name: "a misspelt field of a pod monitor", rule: "decode", want: "scrapeTimout", overlay: production, object: "PodMonitor/leadhit-sync", patch: add("/spec/podMetricsEndpoints/0/scrapeTimout", `"1s"`)},
		{name: "a misspelt field of an alert", rule: "decode", want: "annotatons", overlay: production, object: "PrometheusRule/leadhit-sync", patch: add("/spec/groups/0/rules/0/annotatons", `{"summary":"x"}`)},

		{name: "root", rule: "pod-security", want: "runAsNonRoot", overlay: minimal, object: worker, patch: replace("/spec/template/spec/securityContext/runAsNonRoot", "false")},
		{name: "a capability", rule: "pod-security", want: "capabilities", overlay: minimal, object: worker, patch: remove(container + "/securityContext/capabilities")},
		{name: "no seccomp profile", rule: "pod-security", want: "seccomp", overlay: minimal, object: worker, patch: remove("/spec/template/spec/securityContext/seccompProfile")},
		{name: "a port of the node", rule: "pod-security", want: "hostPort", overlay: minimal, object: worker, patch: add(container+"/ports/0/hostPort", "8080")},

		{name: "an image that moves", rule: "image", want: "leadhit-sync:latest", overlay: minimal, object: worker, patch: replace(container+"/image", `"leadhit-sync:latest"`)},
		{name: "an image without a tag", rule: "image", want: "registry:5000/leadhit-sync", overlay: minimal, object: worker, patch: replace(container+"/image", `"registry:5000/leadhit-sync"`)},

		{name: "another user than the image's", rule: "hardening", want: "65532", overlay: minimal, object: worker, patch: replace("/spec/template/spec/securityContext/runAsUser", "1000")},
		{name: "no group for the Secrets", rule: "hardening", want: "fsGroup", overlay: minimal, object: worker, patch: remove("/spec/template/spec/securityContext/fsGroup")},
		{name: "a root that can be written", rule: "hardening", want: "root file system can be written", overlay: minimal, object: worker, patch: remove(container + "/securityContext/readOnlyRootFilesystem")},
		{name: "no last words", rule: "hardening", want: "terminationMessagePolicy", overlay: minimal, object: worker, patch: remove(container + "/terminationMessagePolicy")},
		{name: "scratch space", rule: "hardening", want: "has the emptyDir tmp: kubectl drain", overlay: minimal, object: worker, patch: add("/spec/template/spec/volumes/-", `{"name":"tmp","emptyDir":{"medium":"Memory"}}`)},

		{name: "a token in the pod", rule: "token", want: "gets a token", overlay: minimal, object: worker, patch: remove("/spec/template/spec/automountServiceAccountToken")},
		{name: "a token of the account", rule: "token", want: "automountServiceAccountToken", overlay: minimal, object: "ServiceAccount/leadhit-sync", patch: remove("/automountServiceAccountToken")},
		{name: "variables of other Services", rule: "token", want: "enableServiceLinks", overlay: minimal, object: worker, patch: replace("/spec/template/spec/enableServiceLinks", "true")},
		{name: "an account that is not there", rule: "token", want: "which is not here", overlay: minimal, object: "ServiceAccount/leadhit-sync"},

		{name: "no memory limit", rule: "memory", want: "no memory limit", overlay: minimal, object: worker, patch: remove(container + "/resources/limits")},
		{name: "a limit above the request", rule: "memory", want: "is not the request", overlay: minimal, object: worker, patch: replace(container+"/resources/requests/memory", `"64Mi"`)},
		{name: "a goal above the limit", rule: "memory", want: "117 %", overlay: minimal, object: worker, patch: replace(container+"/env/0/value", `"150MiB"`)},
		{name: "a goal that Go does not read", rule: "memory", want: "0 %", overlay: minimal, object: worker, patch: replace(container+"/env/0/value", `"115Mi"`)},
		{name: "no goal", rule: "memory", want: "GOMEMLIMIT", overlay: minimal, object: worker, patch: remove(container + "/env/0")},
		{name: "a CPU limit", rule: "memory", want: "CPU limit", overlay: minimal, object: worker, patch: add(container+"/resources/limits/cpu", `"1"`)},
		{name: "no CPU request", rule: "memory", want: "no CPU request", overlay: minimal, object: worker, patch: remove(container + "/resources/requests/cpu")},

		{name: "the usual grace period", rule: "grace", want: "is 30s", overlay: minimal, object: worker, patch: replace("/spec/template/spec/terminationGracePeriodSeconds", "30")},
		{name: "one second too few", rule: "grace", want: "50s is needed", overlay: minimal, object: worker, patch: replace("/spec/template/spec/terminationGracePeriodSeconds", "49")},
		{name: "a longer session", rule: "grace", want: "is needed", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: replace("/data/KAFKA_SESSION_TIMEOUT", `"1m30s"`)},
		{name: "a session without a unit", rule: "grace", want: "KAFKA_SESSION_TIMEOUT", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: replace("/data/KAFKA_SESSION_TIMEOUT", `"10"`)},
		{name: "a sleep before the end", rule: "grace", want: "preStop", overlay: minimal, object: worker, patch: add(container+"/lifecycle", `{"preStop":{"sleep":{"seconds":5}}}`)},

		{name: "liveness that waits for Kafka", rule: "probes", want: "the same path", overlay: minimal, object: worker, patch: replace(container+"/livenessProbe/httpGet/path", `"/readyz"`)},
		{name: "a path that is not served", rule: "probes", want: `"/healthz", which the program does not serve`, overlay: minimal, object: worker, patch: replace(container+"/readinessProbe/httpGet/path", `"/healthz"`)},
		{name: "a start that waits for Kafka", rule: "probes", want: "startup probe asks for another path", overlay: minimal, object: worker, patch: replace(container+"/startupProbe/httpGet/path", `"/readyz"`)},
		{name: "no startup probe", rule: "probes", want: "the startup probe", overlay: minimal, object: worker, patch: remove(container + "/startupProbe")},

		{name: "a program that listens elsewhere", rule: "ports", want: `HTTP_ADDR ":8081"`, overlay: minimal, object: "ConfigMap/leadhit-sync", patch: replace("/data/HTTP_ADDR", `":8081"`)},
		{name: "a port by another name", rule: "ports", want: "port named http", overlay: minimal, object: worker, patch: replace(container+"/ports/0/name", `"web"`)},
		{name: "a probe by number", rule: "ports", want: "liveness probe does not ask at the port http", overlay: minimal, object: worker, patch: replace(container+"/livenessProbe/httpGet/port", "8080")},
		{name: "a scrape of a port that is not there", rule: "ports", want: `the port "metrics"`, overlay: production, object: "PodMonitor/leadhit-sync", patch: replace("/spec/podMetricsEndpoints/0/port", `"metrics"`)},
		{name: "a port that is a number", rule: "ports", want: "cannot unmarshal number", overlay: production, object: "PodMonitor/leadhit-sync", patch: replace("/spec/podMetricsEndpoints/0/port", "8080")},
		{name: "a scrape of a path that is not served", rule: "ports", want: "scrapes /prometheus", overlay: production, object: "PodMonitor/leadhit-sync", patch: replace("/spec/podMetricsEndpoints/0/path", `"/prometheus"`)},
	}
}

func settingViolations() []violation {
	return []violation{
		{name: "a misspelt setting", rule: "settings", want: "KAFKA_TOPIC, which is no setting", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: add("/data/KAFKA_TOPIC", `"orders"`)},
		{name: "a misspelt variable", rule: "settings", want: "LOGLEVEL, which is no setting", overlay: minimal, object: worker, patch: add(container+"/env/-", `{"name":"LOGLEVEL","value":"debug"}`)},
		{name: "a required setting that is missing", rule: "settings", want: "does not set KAFKA_BROKERS", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: remove("/data/KAFKA_BROKERS")},
		{name: "no key", rule: "settings", want: "does not set LEADHIT_API_KEY_FILE", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: remove("/data/LEADHIT_API_KEY_FILE")},
		{name: "settings that are not there", rule: "settings", want: "which is not here", overlay: minimal, object: "ConfigMap/leadhit-sync"},
		{name: "settings whose change rolls nothing", rule: "settings", want: "no hash", overlay: minimal, object: worker, patch: replace(container+"/envFrom/0/configMapRef/name", `"settings"`), add: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings","namespace":"leadhit-sync"}}`},
		{name: "settings with a prefix", rule: "settings", want: "prefix", overlay: minimal, object: worker, patch: add(container+"/envFrom/0/prefix", `"X_"`)},
		{name: "a setting from the pod's fields", rule: "settings", want: "takes KAFKA_GROUP from somewhere else", overlay: minimal, object: worker, patch: add(container+"/env/-", `{"name":"KAFKA_GROUP","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}`)},

		{name: "a key in a variable", rule: "secrets", want: "takes LEADHIT_API_KEY from a Secret", overlay: minimal, object: worker, patch: add(container+"/env/-", `{"name":"LEADHIT_API_KEY","valueFrom":{"secretKeyRef":{"name":"leadhit-sync","key":"api-key"}}}`)},
		{name: "variables of a Secret", rule: "secrets", want: "takes variables from a Secret", overlay: minimal, object: worker, patch: add(container+"/envFrom/-", `{"secretRef":{"name":"leadhit-sync"}}`)},
		{name: "a key in a ConfigMap", rule: "secrets", want: "LEADHIT_API_KEY in the open", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: add("/data/LEADHIT_API_KEY", `"k"`)},
		{name: "a collector's token", rule: "secrets", want: "OTEL_EXPORTER_OTLP_HEADERS in the open", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: add("/data/OTEL_EXPORTER_OTLP_HEADERS", `"authorization=x"`)},
		{name: "a proxy's password", rule: "secrets", want: "LEADHIT_PROXY is a URL with a user in it", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: add("/data/LEADHIT_PROXY", `"http://me:pw@proxy:3128"`)},
		{name: "a Secret in the repository", rule: "secrets", want: "a Secret stands in the manifests", overlay: minimal, add: `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"leadhit-sync","namespace":"leadhit-sync"}}`},

		{name: "a mount that is never updated", rule: "files", want: "by subPath", overlay: minimal, object: worker, patch: add(container+"/volumeMounts/0/subPath", `"api-key"`)},
		{name: "a folder of the node", rule: "files", want: "a folder of the node", overlay: minimal, object: worker, patch: `[{"op":"remove","path":"/spec/template/spec/volumes/0/secret"},{"op":"add","path":"/spec/template/spec/volumes/0/hostPath","value":{"path":"/etc"}}]`},
		{name: "a key that could be written", rule: "files", want: "could be written", overlay: minimal, object: worker, patch: remove(container + "/volumeMounts/0/readOnly")},
		{name: "a volume that is not there", rule: "files", want: "which is not there", overlay: minimal, object: worker, patch: remove("/spec/template/spec/volumes/0")},
		{name: "a mapping that is not there", rule: "files", want: "mounts ConfigMap/leadhit-sync-mapping-", overlay: production, object: "ConfigMap/leadhit-sync-mapping"},
		{name: "a mapping by another name", rule: "files", want: "MAPPING names shop.yaml", overlay: production, object: "ConfigMap/leadhit-sync", patch: replace("/data/MAPPING", `"/etc/leadhit-sync/mapping/shop.yaml"`)},
		{name: "a file where nothing is mounted", rule: "files", want: "nothing is mounted at /run/secrets", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: replace("/data/LEADHIT_API_KEY_FILE", `"/run/secrets/api-key"`)},
		{name: "a certificate that is not mounted", rule: "files", want: "OTEL_EXPORTER_OTLP_CERTIFICATE names", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: add("/data/OTEL_EXPORTER_OTLP_CERTIFICATE", `"/etc/otel/ca.crt"`)},
		{name: "a file that the external secret has not", rule: "files", want: "LEADHIT_API_KEY_FILE names key", overlay: production, object: "ConfigMap/leadhit-sync", patch: replace("/data/LEADHIT_API_KEY_FILE", `"/etc/leadhit-sync/key/key"`)},
		{name: "a file that the certificate has not", rule: "files", want: "KAFKA_TLS_CA_FILE names ca.pem", overlay: production, object: "ConfigMap/leadhit-sync", patch: replace("/data/KAFKA_TLS_CA_FILE", `"/etc/leadhit-sync/kafka/ca.pem"`)},
	}
}

// planted returns a copy of the overlay with the violation in it.
func (v violation) planted(t *testing.T, o *lint.Overlay) *lint.Overlay {
	t.Helper()
	changed := &lint.Overlay{Name: o.Name}
	found := v.object == ""
	for _, object := range o.Objects {
		if name := object.String(); name != v.object && !generated(name, v.object) {
			changed.Objects = append(changed.Objects, object)
			continue
		}
		found = true
		if v.patch != "" {
			changed.Objects = append(changed.Objects, patched(t, object, v.patch))
		}
	}
	if !found {
		t.Fatalf("got no %s in %s", v.object, o.Name)
	}
	if v.add != "" {
		changed.Objects = append(changed.Objects, object(t, []byte(v.add)))
	}
	return changed
}

// generated says whether a name is that of a ConfigMap with its hash.
func generated(name, configMap string) bool {
	hash, ok := strings.CutPrefix(name, configMap+"-")
	return ok && strings.HasPrefix(configMap, "ConfigMap/") && len(hash) == 10 && !strings.Contains(hash, "-")
}

func patched(t *testing.T, o *lint.Object, patch string) *lint.Object {
	t.Helper()
	decoded, err := jsonpatch.DecodePatch([]byte(patch))
	if err != nil {
		t.Fatal(err)
	}
	text, err := decoded.Apply(o.JSON)
	if err != nil {
		t.Fatalf("%s of %s: %v", patch, o, err)
	}
	return object(t, text)
}

func object(t *testing.T, text []byte) *lint.Object {
	t.Helper()
	o, err := lint.NewObject(text)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestEachRuleFindsWhatIsPlanted(t *testing.T) {
	t.Parallel()
	p, rendered := known(t), overlays(t)
	for _, v := range violations() {
		t.Run(v.rule+"/"+v.name, func(t *testing.T) {
			t.Parallel()
			o := rendered[v.overlay]
			if o == nil {
				t.Fatalf("got no overlay %s", v.overlay)
			}
			findings := v.planted(t, o).Judge(p)
			if !slices.ContainsFunc(findings, func(f lint.Finding) bool { return f.Rule == v.rule && strings.Contains(f.String(), v.want) }) {
				t.Errorf("got %q, want a finding of the rule %s that holds %q", findings, v.rule, v.want)
			}
		})
	}
}

func TestEachRuleHasAViolationPlanted(t *testing.T) {
	t.Parallel()
	for _, rule := range lint.Rules() {
		if !slices.ContainsFunc(violations(), func(v violation) bool { return v.rule == rule }) {
			t.Errorf("got no violation of the rule %s: who knows whether it can fail?", rule)
		}
	}
}

func TestAnOverlayWithoutAWorkerIsAFinding(t *testing.T) {
	t.Parallel()
	o := violation{object: worker}.planted(t, overlays(t)[minimal])
	if findings := o.Judge(known(t)); len(findings) != 1 || findings[0].Rule != "worker" {
		t.Errorf("got %q, want one finding: there is no worker", findings)
	}
}
