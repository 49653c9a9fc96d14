package lint

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// shape says which fields a kind without a Go type may have: a path with [] for the items of a list and * for any name,
// and what stands there. Only the fields that we use are listed; another one is added here after a look at its CRD.
type shape struct {
	version string
	fields  map[string]leaf
	must    []string
}

// leaf is the kind of a value.
type leaf string

const (
	text    leaf = "a string"
	whole   leaf = "a whole number"
	boolean leaf = "true or false"
)

// shapes are the kinds that overlays may hold beside those with Go types.
func shapes() map[string]shape {
	return map[string]shape{
		"ScaledObject":   scaledObject(),
		"KafkaTopic":     kafkaTopic(),
		"KafkaUser":      kafkaUser(),
		"ExternalSecret": externalSecret(),
		"Certificate":    certificate(),
		"PodMonitor":     podMonitor(),
		"PrometheusRule": prometheusRule(),
	}
}

// fields makes a shape's fields of lines "path", all of one kind.
func fields(kind leaf, paths ...string) map[string]leaf {
	all := make(map[string]leaf, len(paths))
	for _, path := range paths {
		all[path] = kind
	}
	return all
}

func merged(all ...map[string]leaf) map[string]leaf {
	into := map[string]leaf{}
	for _, one := range all {
		maps.Copy(into, one)
	}
	return into
}

// scaledObject is KEDA 2.21's.
func scaledObject() shape {
	behavior := "spec.advanced.horizontalPodAutoscalerConfig.behavior."
	return shape{
		version: "keda.sh/v1alpha1",
		fields: merged(
			fields(
				text, "spec.scaleTargetRef.apiVersion", "spec.scaleTargetRef.kind", "spec.scaleTargetRef.name",
				"spec.fallback.behavior", "spec.triggers[].type", "spec.triggers[].metricType", "spec.triggers[].name",
				"spec.triggers[].metadata.*", "spec.triggers[].authenticationRef.name", "spec.triggers[].authenticationRef.kind",
				behavior+"scaleUp.policies[].type", behavior+"scaleUp.selectPolicy",
				behavior+"scaleDown.policies[].type", behavior+"scaleDown.selectPolicy",
			),
			fields(
				whole, "spec.pollingInterval", "spec.cooldownPeriod", "spec.minReplicaCount", "spec.maxReplicaCount",
				"spec.fallback.failureThreshold", "spec.fallback.replicas",
				behavior+"scaleUp.stabilizationWindowSeconds", behavior+"scaleDown.stabilizationWindowSeconds",
				behavior+"scaleUp.policies[].value", behavior+"scaleUp.policies[].periodSeconds",
				behavior+"scaleDown.policies[].value", behavior+"scaleDown.policies[].periodSeconds",
			),
			fields(boolean, "spec.advanced.restoreToOriginalReplicaCount", "spec.triggers[].useCachedMetrics"),
		),
		must: []string{"spec.scaleTargetRef.name", "spec.triggers[].type", "spec.minReplicaCount", "spec.maxReplicaCount"},
	}
}

// kafkaTopic is Strimzi's v1. The broker judges the configuration's values; numbers and strings are the same to it.
func kafkaTopic() shape {
	config := []string{
		"min.insync.replicas", "cleanup.policy", "retention.ms", "retention.bytes", "segment.ms", "segment.bytes",
		"message.timestamp.type", "max.message.bytes", "compression.type",
	}
	all := merged(fields(whole, "spec.partitions", "spec.replicas"), fields(text, "spec.topicName"))
	for _, key := range config {
		kind := whole
		if strings.HasSuffix(key, ".type") || strings.HasSuffix(key, ".policy") {
			kind = text
		}
		all["spec.config."+key] = kind
	}
	return shape{version: "kafka.strimzi.io/v1", fields: all, must: []string{"spec.partitions", "spec.replicas", "metadata.labels.strimzi.io/cluster"}}
}

// kafkaUser is Strimzi's v1.
func kafkaUser() shape {
	acl := "spec.authorization.acls[]."
	return shape{
		version: "kafka.strimzi.io/v1",
		fields: fields(
			text, "spec.userName", "spec.authentication.type", "spec.authorization.type", acl+"type", acl+"host",
			acl+"resource.type", acl+"resource.name", acl+"resource.patternType", acl+"operations[]",
		),
		must: []string{"spec.authentication.type", "spec.authorization.type", "metadata.labels.strimzi.io/cluster"},
	}
}

// externalSecret is external-secrets.io's v1.
func externalSecret() shape {
	return shape{
		version: "external-secrets.io/v1",
		fields: fields(
			text, "spec.refreshInterval", "spec.refreshPolicy", "spec.secretStoreRef.kind", "spec.secretStoreRef.name",
			"spec.target.name", "spec.target.creationPolicy", "spec.target.deletionPolicy", "spec.data[].secretKey",
			"spec.data[].remoteRef.key", "spec.data[].remoteRef.property", "spec.data[].remoteRef.version",
		),
		must: []string{"spec.secretStoreRef.name", "spec.target.name", "spec.data[].secretKey", "spec.data[].remoteRef.key"},
	}
}

// certificate is cert-manager's v1.
func certificate() shape {
	return shape{
		version: "cert-manager.io/v1",
		fields: merged(
			fields(
				text, "spec.secretName", "spec.commonName", "spec.dnsNames[]", "spec.duration", "spec.renewBefore", "spec.usages[]",
				"spec.privateKey.algorithm", "spec.privateKey.encoding", "spec.privateKey.rotationPolicy",
				"spec.issuerRef.group", "spec.issuerRef.kind", "spec.issuerRef.name",
			),
			fields(whole, "spec.privateKey.size", "spec.revisionHistoryLimit"),
		),
		must: []string{"spec.secretName", "spec.issuerRef.name", "spec.usages[]"},
	}
}

// podMonitor is the Prometheus Operator's v1.
func podMonitor() shape {
	end := "spec.podMetricsEndpoints[]."
	return shape{
		version: "monitoring.coreos.com/v1",
		fields: merged(
			fields(
				text, "spec.jobLabel", "spec.selector.matchLabels.*", "spec.podTargetLabels[]", end+"port", end+"path", end+"scheme",
				end+"interval", end+"scrapeTimeout", end+"relabelings[].sourceLabels[]", end+"relabelings[].targetLabel",
				end+"relabelings[].action", end+"relabelings[].regex", end+"relabelings[].replacement", end+"relabelings[].separator",
			),
			fields(boolean, end+"honorLabels", end+"filterRunning"),
			fields(whole, "spec.sampleLimit", "spec.labelLimit"),
		),
		must: []string{"spec.selector.matchLabels.*", end + "port"},
	}
}

// prometheusRule is the Prometheus Operator's v1.
func prometheusRule() shape {
	rule := "spec.groups[].rules[]."
	return shape{
		version: "monitoring.coreos.com/v1",
		fields: fields(
			text, "spec.groups[].name", "spec.groups[].interval", rule+"alert", rule+"record", rule+"expr", rule+"for",
			rule+"keep_firing_for", rule+"labels.*", rule+"annotations.*",
		),
		must: []string{"spec.groups[].name", rule + "expr"},
	}
}

// wrong returns what an object has that its shape has not, and what it lacks.
func (s shape) wrong(o *Object) []string {
	var found []string
	if version := o.kind.GroupVersion().String(); version != s.version {
		found = append(found, fmt.Sprintf("is of %s, want %s", version, s.version))
	}
	allowed := merged(s.fields, fields(
		text, "apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.labels.*", "metadata.annotations.*",
	))
	seen := map[string]bool{}
	walk("", o.Fields, func(path string, value any) {
		key := fit(path, allowed)
		seen[key] = true
		seen[path] = true
		switch kind, ok := allowed[key]; {
		case !ok:
			found = append(found, "has an unknown field "+path)
		case !kind.takes(value):
			found = append(found, fmt.Sprintf("%s is not %s", path, kind))
		}
	})
	for _, path := range s.must {
		if !seen[path] {
			found = append(found, "lacks "+path)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// walk calls visit for each value that is no map and no list, with its path. An empty map or list is a value.
func walk(path string, value any, visit func(path string, value any)) {
	switch v := value.(type) {
	case map[string]any:
		for key, below := range v {
			walk(strings.TrimPrefix(path+"."+key, "."), below, visit)
		}
		if len(v) > 0 {
			return
		}
	case []any:
		for _, below := range v {
			walk(path+"[]", below, visit)
		}
		if len(v) > 0 {
			return
		}
	}
	visit(path, value)
}

// fit returns the entry of allowed that path is one of, or path.
func fit(path string, allowed map[string]leaf) string {
	if _, ok := allowed[path]; ok {
		return path
	}
	for entry := range allowed {
		if prefix, open := strings.CutSuffix(entry, "*"); open && strings.HasPrefix(path, prefix) {
			return entry
		}
	}
	return path
}

func (k leaf) takes(value any) bool {
	switch v := value.(type) {
	case string:
		return k == text
	case bool:
		return k == boolean
	case float64:
		return k == whole && strconv.FormatFloat(v, 'f', -1, 64) == strconv.FormatInt(int64(v), 10)
	}
	return false
}
