package lint_test

import (
	"strings"
	"testing"

	"leadhit-sync/deploy/lint"
)

const (
	production = "production-example"
	minimal    = "ci/minimal"
	kafkaScale = "ci/keda-kafka"
	cpuScale   = "ci/hpa-cpu"
	withDesk   = "ci/desk"
)

// violation is a mistake planted in the text of a rendering, and a part of the finding that it must cause.
type violation struct {
	name, overlay, old, new, want string
}

// variable returns a violation that adds an environment variable to the worker of the minimal overlay.
func variable(name, entry, want string) violation {
	return violation{name, minimal, "        - name: GOMEMLIMIT\n", "        - " + entry + "\n        - name: GOMEMLIMIT\n", want}
}

// violations returns at least one violation of each rule.
func violations() []violation {
	return []violation{
		{"a misspelt field", minimal, "minReadySeconds", "minReadySecnds", "decode: Deployment/leadhit-sync: "},
		{"an unknown kind", minimal, "kind: PodDisruptionBudget", "kind: PodDisruptionBudgt", "decode: PodDisruptionBudgt/"},
		{"a misspelt field of KEDA's", production, "maxReplicaCount", "maxReplicaCounts", "decode: ScaledObject/"},
		{"a misspelt key of a trigger", kafkaScale, "excludePersistentLag", "excludePersistentLaag", "decode: ScaledObject/"},
		{"a number where KEDA wants text", production, `threshold: "30"`, "threshold: 30", "decode: ScaledObject/"},
		{"text where Strimzi wants a number", production, "partitions: 12", `partitions: "12"`, "decode: KafkaTopic/orders"},
		{"another version of a custom resource", production, "kafka.strimzi.io/v1\n", "kafka.strimzi.io/v1beta2\n", "unknown kind KafkaUser of kafka.strimzi.io/v1beta2"},
		{"a misspelt field of a certificate", production, "renewBefore", "renewBefor", "decode: Certificate/"},
		{"a field of an external secret in lower case", production, "secretKey:", "secretkey:", "decode: ExternalSecret/"},
		{"a misspelt field of a pod monitor", production, "scrapeTimeout", "scrapeTimout", "decode: PodMonitor/"},
		{"a misspelt field of an alert", production, "annotations:\n        description", "annotatons:\n        description", "decode: PrometheusRule/"},

		{"root", minimal, "runAsNonRoot: true", "runAsNonRoot: false", "pod-security: Deployment/leadhit-sync: "},
		{"a capability", minimal, "drop:\n            - ALL", "drop: []", "pod-security: "},
		{"no seccomp profile", minimal, "type: RuntimeDefault", "type: Unconfined", "pod-security: "},
		{"a port of the node", minimal, "containerPort: 8080", "containerPort: 8080\n          hostPort: 8080", "pod-security: "},

		{"a misspelt setting", minimal, "  LOG_LEVEL: info", "  LOGLEVEL: info", "settings: Deployment/leadhit-sync: sets LOGLEVEL"},
		{"a required setting that is missing", minimal, "  KAFKA_BROKERS: ", "  GODEBUG: ", "does not set KAFKA_BROKERS"},
		{"settings that are not there", minimal, "configMapRef:\n            name: ", "configMapRef:\n            name: x", "a ConfigMap that is not in the manifests"},
		variable("a key in a variable", `{name: LEADHIT_API_KEY, valueFrom: {secretKeyRef: {name: leadhit-sync, key: api-key}}}`, "secrets: Deployment/leadhit-sync: sets LEADHIT_API_KEY with valueFrom"),
		variable("a token in plain text", `{name: OTEL_EXPORTER_OTLP_HEADERS, value: authorization=x}`, "sets OTEL_EXPORTER_OTLP_HEADERS in plain text"),
		variable("a proxy's password", `{name: LEADHIT_PROXY, value: "http://me:pw@proxy:3128"}`, "LEADHIT_PROXY is a URL that contains a user name"),
		{"variables of a Secret", minimal, "      - configMapRef:", "      - secretRef: {name: leadhit-sync}\n        - configMapRef:", "takes variables from a Secret"},
		{"a Secret in the repository", minimal, "apiVersion: policy/v1\n", "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n---\napiVersion: policy/v1\n", "secrets: Secret/x"},

		{"the usual grace period", minimal, "terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 30", "grace: Deployment/leadhit-sync: terminationGracePeriodSeconds is 30s"},
		{"one second too few", minimal, "terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 49", "50s is needed"},
		{"a longer session", minimal, "KAFKA_SESSION_TIMEOUT: 10s", "KAFKA_SESSION_TIMEOUT: 1m30s", "is needed"},
		{"a session without a unit", minimal, "KAFKA_SESSION_TIMEOUT: 10s", `KAFKA_SESSION_TIMEOUT: "10"`, "grace: Deployment/leadhit-sync: KAFKA_SESSION_TIMEOUT"},
		{"a sleep before the end", minimal, "        livenessProbe:\n", "        lifecycle: {preStop: {sleep: {seconds: 5}}}\n        livenessProbe:\n", "lifecycle hook"},

		{"liveness that waits for Kafka", minimal, "path: /livez", "path: /readyz", "probes: Deployment/leadhit-sync: the liveness and readiness probes request the same path"},
		{"a path that is not served", minimal, "path: /readyz", "path: /healthz", `the readiness probe requests "/healthz"`},
		{"no startup probe", minimal, "startupProbe:", "resizePolicy: []\n        x-startup:", "has no HTTP startup probe"},
		{"a program that listens elsewhere", minimal, "HTTP_ADDR: :8080", "HTTP_ADDR: :8081", `HTTP_ADDR ":8081"`},
		{"a probe by number", minimal, "path: /readyz\n            port: http", "path: /readyz\n            port: 8080", "does not use the port named http"},
		{"a scrape of a path that is not served", production, "path: /metrics", "path: /prometheus", "probes: PodMonitor/leadhit-sync: scrapes /prometheus"},

		{"a topic of somebody else", production, "KAFKA_TOPICS: orders", "KAFKA_TOPICS: order", "topics: KafkaTopic/orders: is not one of the worker's topics"},
		{"one replica", production, "replicas: 3", "replicas: 1", "has one replica"},
		{"letters without an order", production, "partitions: 1\n", "partitions: 3\n", "KafkaTopic/dlq.leadhit-sync: must have one partition"},
		{"letters that are compacted", production, "cleanup.policy: delete", "cleanup.policy: compact", "must have one partition, cleanup.policy delete"},
		{"a ledger that is forgotten first", production, "retention.ms: 7776000000", "retention.ms: 7775999999", "three times the retention of the letters"},
		{"a ledger of a gigabyte", production, "retention.bytes: -1", "retention.bytes: 1073741824", "retention.bytes -1"},

		{"one right too many", production, "- DescribeConfigs\n", "- DescribeConfigs\n      - Alter\n", "rights: KafkaUser/leadhit-sync: may Alter topic orders, which the worker never does"},
		{"one right too few", production, "- Write\n", "- Read\n", "lacks Write on topic dlq.leadhit-sync, which the worker needs"},
		{"rights by a prefix", production, "patternType: literal", "patternType: prefix", "does not have the pattern type literal"},
		{"rights of another group", production, "name: leadhit-sync\n        patternType", "name: other\n        patternType", "lacks Read on group leadhit-sync"},

		{"another group", kafkaScale, "consumerGroup: leadhit-sync", "consumerGroup: other", `scaling: ScaledObject/leadhit-sync: scales on the lag of the group "other"`},
		{"another topic", kafkaScale, "topic: orders", "topic: order", "the worker consumes [orders]"},
		{"more workers than partitions", production, "partitions: 12", "partitions: 5", "but the topic orders has only 5 partitions"},
		{"two desks", withDesk, "replicas: 1", "replicas: 2", "desk: Deployment/leadhit-sync-desk: must have one replica"},
		{"a desk of another release", withDesk, "image: registry.example.com/leadhit-sync:0.1.0\n        imagePullPolicy: IfNotPresent\n        livenessProbe:\n          exec", "image: registry.example.com/leadhit-sync:0.2.0\n        imagePullPolicy: IfNotPresent\n        livenessProbe:\n          exec", "desk: Deployment/leadhit-sync-desk: runs the image"},
		{"a misspelt setting of the desk", withDesk, "name: DESK_USER_HEADER", "name: DESK_USERHEADER", "desk: Deployment/leadhit-sync-desk: sets DESK_USERHEADER"},
		{"a desk that everybody reaches", withDesk, "- name: DESK_WRITE", "- {name: DESK_ADDR, value: \":8090\"}\n        - name: DESK_WRITE", `desk: Deployment/leadhit-sync-desk: listens on ":8090"`},
		{"a desk's token in a variable", withDesk, "- name: DESK_WRITE\n          value: \"true\"", "- {name: DESK_WRITE, valueFrom: {secretKeyRef: {name: desk, key: write}}}", "desk: Deployment/leadhit-sync-desk: sets DESK_WRITE with valueFrom"},
		{"a number beside KEDA", production, "spec:\n  minReadySeconds", "spec:\n  replicas: 2\n  minReadySeconds", "sets replicas too"},
	}
}

func TestEachRuleFindsWhatIsPlanted(t *testing.T) {
	t.Parallel()
	p, all := known(t), renderings(t)
	for _, v := range violations() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			wantFound(t, decoded(t, plant(t, all[v.overlay], v.old, v.new)).Judge(p), v.want)
		})
	}
}

func TestAKeyWithValueFromIsReportedOnce(t *testing.T) {
	t.Parallel()
	key := variable("", `{name: LEADHIT_API_KEY, valueFrom: {secretKeyRef: {name: leadhit-sync, key: api-key}}}`, "")
	got := decoded(t, plant(t, renderings(t)[minimal], key.old, key.new)).Judge(known(t))
	if len(got) != 1 || !strings.Contains(got[0], "sets LEADHIT_API_KEY with valueFrom") {
		t.Errorf("got %q, want one finding, about valueFrom", got)
	}
}

func TestARenderingWithoutAWorkerIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := lint.Read(plant(t, renderings(t)[minimal], "name: worker\n", "name: main\n")); err == nil {
		t.Error("got no error")
	}
}
