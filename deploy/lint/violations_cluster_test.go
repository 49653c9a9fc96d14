package lint_test

const (
	scaler    = "ScaledObject/leadhit-sync"
	policy    = "NetworkPolicy/leadhit-sync"
	budget    = "PodDisruptionBudget/leadhit-sync"
	kafkaUser = "KafkaUser/leadhit-sync"
)

func rolloutViolations() []violation {
	return []violation{
		{name: "a surge", rule: "rollout", want: "maxSurge", overlay: minimal, object: worker, patch: replace("/spec/strategy/rollingUpdate/maxSurge", "1")},
		{name: "all at once", rule: "rollout", want: "maxUnavailable", overlay: minimal, object: worker, patch: replace("/spec/strategy/rollingUpdate/maxUnavailable", `"100%"`)},
		{name: "two at once", rule: "rollout", want: "maxUnavailable", overlay: minimal, object: worker, patch: replace("/spec/strategy/rollingUpdate/maxUnavailable", "2")},
		{name: "half at once", rule: "rollout", want: "25%", overlay: minimal, object: worker, patch: replace("/spec/strategy/rollingUpdate/maxUnavailable", `"50%"`)},
		{name: "none of many", rule: "rollout", want: "25%", overlay: minimal, object: worker, patch: replace("/spec/strategy/rollingUpdate/maxUnavailable", `"0%"`)},
		{name: "recreate", rule: "rollout", want: "maxSurge", overlay: minimal, object: worker, patch: replace("/spec/strategy", `{"type":"Recreate"}`)},
		{name: "ready too soon", rule: "rollout", want: "minReadySeconds is 0", overlay: minimal, object: worker, patch: remove("/spec/minReadySeconds")},

		{name: "not over zones", rule: "spread", want: "topology.kubernetes.io/zone", overlay: minimal, object: worker, patch: remove("/spec/template/spec/topologySpreadConstraints/1")},
		{name: "rather pending", rule: "spread", want: "rather be pending", overlay: minimal, object: worker, patch: replace("/spec/template/spec/topologySpreadConstraints/0/whenUnsatisfiable", `"DoNotSchedule"`)},
		{name: "with the pods of old revisions", rule: "spread", want: "old revisions", overlay: minimal, object: worker, patch: remove("/spec/template/spec/topologySpreadConstraints/0/matchLabelKeys")},
		{name: "with other pods", rule: "spread", want: "other pods", overlay: minimal, object: worker, patch: replace("/spec/template/spec/topologySpreadConstraints/0/labelSelector", `{"matchLabels":{"app":"x"}}`)},

		{name: "a selector of other pods", rule: "selectors", want: "its own pods", overlay: minimal, object: worker, patch: replace("/spec/selector", `{"matchLabels":{"app":"x"}}`)},
		{name: "a monitor of other pods", rule: "selectors", want: "PodMonitor/leadhit-sync: does not select", overlay: production, object: "PodMonitor/leadhit-sync", patch: replace("/spec/selector", `{"matchLabels":{"app":"x"}}`)},
		{name: "a monitor of another namespace", rule: "selectors", want: "PodMonitor/leadhit-sync: does not select", overlay: production, object: "PodMonitor/leadhit-sync", patch: replace("/metadata/namespace", `"monitoring"`)},
		{name: "a scaler of another workload", rule: "selectors", want: "does not scale the worker", overlay: production, object: scaler, patch: replace("/spec/scaleTargetRef/name", `"worker"`)},
		{name: "an HPA of another workload", rule: "selectors", want: "does not scale the worker", overlay: cpuScale, object: "HorizontalPodAutoscaler/leadhit-sync", patch: replace("/spec/scaleTargetRef/kind", `"StatefulSet"`)},

		{name: "no budget", rule: "disruption", want: "has 0", overlay: minimal, object: budget},
		{name: "a budget of nothing", rule: "disruption", want: "maxUnavailable is not 1", overlay: minimal, object: budget, patch: replace("/spec/maxUnavailable", "0")},
		{name: "a budget that guards the broken", rule: "disruption", want: "AlwaysAllow", overlay: minimal, object: budget, patch: remove("/spec/unhealthyPodEvictionPolicy")},
		{name: "a budget for all pods", rule: "disruption", want: "does not select", overlay: minimal, object: budget, patch: replace("/spec/selector", "{}")},
	}
}

func networkViolations() []violation {
	return []violation{
		{name: "no policy", rule: "network", want: "has 0", overlay: minimal, object: policy},
		{name: "a policy of other pods", rule: "network", want: "does not select", overlay: minimal, object: policy, patch: replace("/spec/podSelector", `{"matchLabels":{"app":"x"}}`)},
		{name: "an open way out", rule: "network", want: "leaves Egress open", overlay: minimal, object: policy, patch: replace("/spec/policyTypes", `["Ingress"]`)},
		{name: "everybody in", rule: "network", want: "lets everybody in", overlay: minimal, object: policy, patch: remove("/spec/ingress/0/from")},
		{name: "in to another port", rule: "network", want: "another port than http", overlay: minimal, object: policy, patch: replace("/spec/ingress/0/ports/0/port", `"web"`)},
		{name: "out to everybody", rule: "network", want: "out to everybody", overlay: minimal, object: policy, patch: remove("/spec/egress/2/to")},
		{name: "out to every port", rule: "network", want: "every port", overlay: minimal, object: policy, patch: remove("/spec/egress/2/ports")},
		{name: "no DNS", rule: "network", want: "port 53", overlay: minimal, object: policy, patch: remove("/spec/egress/0")},
		{name: "no brokers", rule: "network", want: "port 9094", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: replace("/data/KAFKA_BROKERS", `"kafka-1:9094"`)},
		{name: "no collector", rule: "network", want: "port 4318", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: add("/data/OTEL_EXPORTER_OTLP_ENDPOINT", `"http://otel-collector:4318"`)},
		{name: "no schema registry", rule: "network", want: "port 8081", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: add("/data/SCHEMA_REGISTRY_URL", `"https://schema-registry:8081"`)},
		{name: "no proxy", rule: "network", want: "port 3128", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: add("/data/LEADHIT_PROXY", `"http://proxy:3128"`)},
		{name: "no plain proxy", rule: "network", want: "port 80", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: add("/data/LEADHIT_PROXY", `"http://proxy"`)},
		{name: "no LeadHit", rule: "network", want: "port 443", overlay: minimal, object: policy, patch: replace("/spec/egress/2/ports/0/port", "8443")},
		{name: "the cloud's credentials", rule: "network", want: "169.254.169.254", overlay: minimal, object: policy, patch: remove("/spec/egress/2/to/0/ipBlock/except/2")},
		{name: "the cloud's credentials by IPv6", rule: "network", want: "fd00:ec2::254", overlay: minimal, object: policy, patch: remove("/spec/egress/2/to/1/ipBlock/except/0")},
		{name: "private addresses", rule: "network", want: "10.0.0.0/8", overlay: minimal, object: policy, patch: remove("/spec/egress/2/to/0/ipBlock/except/0")},
	}
}

func scalingViolations() []violation {
	return []violation{
		{name: "a number beside KEDA", rule: "replicas", want: "says replicas", overlay: production, object: worker, patch: add("/spec/replicas", "2")},
		{name: "a number beside the HPA", rule: "replicas", want: "says replicas", overlay: cpuScale, object: worker, patch: add("/spec/replicas", "2")},
		{name: "one pod alone", rule: "replicas", want: "fewer than two", overlay: minimal, object: worker, patch: replace("/spec/replicas", "1")},
		{name: "nobody says how many", rule: "replicas", want: "fewer than two", overlay: minimal, object: worker, patch: remove("/spec/replicas")},
		{name: "two scalers", rule: "replicas", want: "2 autoscalers", overlay: cpuScale, add: `{"apiVersion":"keda.sh/v1alpha1","kind":"ScaledObject","metadata":{"name":"x"}}`},

		{name: "more workers than partitions", rule: "scaling", want: "scales to 13 workers, and the topic orders has 12", overlay: production, object: scaler, patch: replace("/spec/maxReplicaCount", "13")},
		{name: "fewer partitions than workers", rule: "scaling", want: "the topic orders has 6", overlay: production, object: "KafkaTopic/orders", patch: replace("/spec/partitions", "6")},
		{name: "down to nothing", rule: "scaling", want: "scales to nothing", overlay: production, object: scaler, patch: replace("/spec/minReplicaCount", "0")},
		{name: "a maximum below the minimum", rule: "scaling", want: "below the minimum", overlay: cpuScale, object: "HorizontalPodAutoscaler/leadhit-sync", patch: replace("/spec/maxReplicas", "1")},
		{name: "blind and fewer", rule: "scaling", want: "currentReplicasIfHigher", overlay: production, object: scaler, patch: replace("/spec/fallback/behavior", `"static"`)},

		{name: "a minimum that is no number", rule: "scaling", want: "cannot unmarshal string", overlay: production, object: scaler, patch: replace("/spec/minReplicaCount", `"2"`)},

		{name: "a trigger whose threshold is a number", rule: "keda", want: "cannot unmarshal number", overlay: production, object: scaler, patch: replace("/spec/triggers/0/metadata/threshold", "30")},
		{name: "a key that KEDA does not know", rule: "keda", want: "does not know excludePersistentLaag", overlay: kafkaScale, object: scaler, patch: add("/spec/triggers/0/metadata/excludePersistentLaag", `"true"`)},
		{name: "another group", rule: "keda", want: `asks about the group "other"`, overlay: kafkaScale, object: scaler, patch: replace("/spec/triggers/0/metadata/consumerGroup", `"other"`)},
		{name: "the worker's group is another one", rule: "keda", want: `the worker's is "mine"`, overlay: kafkaScale, object: "ConfigMap/leadhit-sync", patch: replace("/data/KAFKA_GROUP", `"mine"`)},
		{name: "another topic", rule: "keda", want: "the worker consumes [orders]", overlay: kafkaScale, object: scaler, patch: replace("/spec/triggers/0/metadata/topic", `"order"`)},
		{name: "a topic that nobody asks about", rule: "keda", want: "the worker consumes [orders returns]", overlay: kafkaScale, object: "ConfigMap/leadhit-sync", patch: replace("/data/KAFKA_TOPICS", `"returns,orders"`)},
		{name: "another start", rule: "keda", want: `offsetResetPolicy is "earliest", want "latest"`, overlay: kafkaScale, object: "ConfigMap/leadhit-sync", patch: replace("/data/KAFKA_START", `"latest"`)},
		{name: "a stuck order that counts", rule: "keda", want: "excludePersistentLag", overlay: kafkaScale, object: scaler, patch: remove("/spec/triggers/0/metadata/excludePersistentLag")},
		{name: "another kind of trigger", rule: "keda", want: `type "cron"`, overlay: kafkaScale, object: scaler, patch: replace("/spec/triggers/0/type", `"cron"`)},
		{name: "seconds shared out among pods", rule: "keda", want: "want Value", overlay: production, object: scaler, patch: replace("/spec/triggers/0/metricType", `"AverageValue"`)},
		{name: "no figures pass for no lag", rule: "keda", want: "ignoreNullValues", overlay: production, object: scaler, patch: remove("/spec/triggers/0/metadata/ignoreNullValues")},
		{name: "another namespace's lag", rule: "keda", want: `namespaces ["other"]`, overlay: production, object: scaler, patch: replace("/spec/triggers/0/metadata/query", `"max(leadhit_sync_lag_seconds{namespace=\"other\"})"`)},
		{name: "everybody's lag", rule: "keda", want: "namespaces []", overlay: production, object: scaler, patch: replace("/spec/triggers/0/metadata/query", `"max(leadhit_sync_lag_seconds)"`)},
		{name: "a 0 of everybody's", rule: "keda", want: "asks for leadhit_sync_build_info of every namespace", overlay: production, object: scaler, patch: replace("/spec/triggers/0/metadata/query", `"max(leadhit_sync_lag_seconds{namespace=\"leadhit-sync\"}) or 0 * max(leadhit_sync_build_info)"`)},
		{name: "a figure out of nothing", rule: "keda", want: "out of nothing with vector()", overlay: production, object: scaler, patch: replace("/spec/triggers/0/metadata/query", `"max(leadhit_sync_lag_seconds{namespace=\"leadhit-sync\"}) or vector(0)"`)},
		{name: "a figure out of absence", rule: "keda", want: "out of nothing with absent()", overlay: production, object: scaler, patch: replace("/spec/triggers/0/metadata/query", `"0 * absent(leadhit_sync_lag_seconds{namespace=\"leadhit-sync\"})"`)},
		{name: "no threshold", rule: "keda", want: `threshold is ""`, overlay: production, object: scaler, patch: remove("/spec/triggers/0/metadata/threshold")},
		{name: "a threshold with a unit", rule: "keda", want: `threshold is "30s"`, overlay: production, object: scaler, patch: replace("/spec/triggers/0/metadata/threshold", `"30s"`)},
		{name: "a threshold of nothing", rule: "keda", want: `threshold is "0"`, overlay: production, object: scaler, patch: replace("/spec/triggers/0/metadata/threshold", `"0"`)},
		{name: "no lag threshold", rule: "keda", want: `lagThreshold is ""`, overlay: kafkaScale, object: scaler, patch: remove("/spec/triggers/0/metadata/lagThreshold")},
		{name: "no brokers to ask", rule: "keda", want: "lacks bootstrapServers", overlay: kafkaScale, object: scaler, patch: remove("/spec/triggers/0/metadata/bootstrapServers")},
		{name: "no Prometheus", rule: "keda", want: `serverAddress is ""`, overlay: production, object: scaler, patch: remove("/spec/triggers/0/metadata/serverAddress")},
		{name: "a Prometheus without a scheme", rule: "keda", want: `serverAddress is "prometheus:9090"`, overlay: production, object: scaler, patch: replace("/spec/triggers/0/metadata/serverAddress", `"prometheus:9090"`)},
		{name: "a query that does not parse", rule: "keda", want: "the query", overlay: production, object: scaler, patch: replace("/spec/triggers/0/metadata/query", `"max("`)},
	}
}

func kafkaViolations() []violation {
	return []violation{
		{name: "a topic of somebody else", rule: "topics", want: "none of the worker's topics", overlay: production, object: "KafkaTopic/orders", patch: replace("/metadata/name", `"order"`)},
		{name: "a name beside the object's", rule: "topics", want: "none of the worker's topics", overlay: production, object: "KafkaTopic/orders", patch: add("/spec/topicName", `"order"`)},
		{name: "one replica", rule: "topics", want: "one replica", overlay: production, object: "KafkaTopic/dlq.leadhit-sync", patch: replace("/spec/replicas", "1")},
		{name: "letters without an order", rule: "topics", want: "wants one partition", overlay: production, object: "KafkaTopic/dlq.leadhit-sync", patch: replace("/spec/partitions", "3")},
		{name: "letters that are compacted", rule: "topics", want: "cleanup.policy delete", overlay: production, object: "KafkaTopic/dlq.leadhit-sync", patch: replace("/spec/config/cleanup.policy", `"compact"`)},
		{name: "a ledger with the producers' times", rule: "topics", want: "LogAppendTime", overlay: production, object: "KafkaTopic/dlq.leadhit-sync.ledger", patch: remove("/spec/config/message.timestamp.type")},
		{name: "a ledger that is forgotten first", rule: "topics", want: "three times the letters'", overlay: production, object: "KafkaTopic/dlq.leadhit-sync.ledger", patch: replace("/spec/config/retention.ms", "7775999999")},
		{name: "a ledger as its size allows", rule: "topics", want: "retention.bytes -1", overlay: production, object: "KafkaTopic/dlq.leadhit-sync.ledger", patch: remove("/spec/config/retention.bytes")},
		{name: "a ledger of a gigabyte", rule: "topics", want: "retention.bytes -1", overlay: production, object: "KafkaTopic/dlq.leadhit-sync.ledger", patch: replace("/spec/config/retention.bytes", "1073741824")},

		{name: "one right too many", rule: "access", want: "may Write topic orders, which the worker never does", overlay: production, object: kafkaUser, patch: add("/spec/authorization/acls/0/operations/-", `"Write"`)},
		{name: "a resource too many", rule: "access", want: "may Read topic customers", overlay: production, object: kafkaUser, patch: replace("/spec/authorization/acls/0/resource/name", `"customers"`)},
		{name: "one right too few", rule: "access", want: "may not Describe topic orders", overlay: production, object: kafkaUser, patch: remove("/spec/authorization/acls/0/operations/1")},
		{name: "another group", rule: "access", want: "may not Read group mine", overlay: production, object: "ConfigMap/leadhit-sync", patch: replace("/data/KAFKA_GROUP", `"mine"`)},
		{name: "more topics", rule: "access", want: "may not Read topic returns", overlay: production, object: "ConfigMap/leadhit-sync", patch: replace("/data/KAFKA_TOPICS", `"orders,returns"`)},
		{name: "letters elsewhere", rule: "access", want: "may not Write topic refused", overlay: production, object: "ConfigMap/leadhit-sync", patch: add("/data/DEAD_LETTER_TOPIC", `"refused"`)},
		{name: "operations that are no list", rule: "access", want: "cannot unmarshal string", overlay: production, object: kafkaUser, patch: replace("/spec/authorization/acls/0/operations", `"All"`)},
		{name: "a whole prefix", rule: "access", want: "no literal name", overlay: production, object: kafkaUser, patch: replace("/spec/authorization/acls/0/resource/patternType", `"prefix"`)},
	}
}
