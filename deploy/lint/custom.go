package lint

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// customResource returns an empty resource of a kind that has no type in Kubernetes' own modules, or nil. The types
// have only the fields that our manifests use, so that strict decoding finds a misspelt field. Look up a new field in
// the CRD before you add it. The operators' own modules have these types too, but would add hundreds of dependencies.
func customResource(version, kind string) any {
	switch version + " " + kind {
	case "keda.sh/v1alpha1 ScaledObject":
		return new(scaledObject)
	case "kafka.strimzi.io/v1 KafkaTopic":
		return new(kafkaTopic)
	case "kafka.strimzi.io/v1 KafkaUser":
		return new(kafkaUser)
	case "external-secrets.io/v1 ExternalSecret":
		return new(externalSecret)
	case "cert-manager.io/v1 Certificate":
		return new(certificate)
	case "monitoring.coreos.com/v1 PodMonitor":
		return new(podMonitor)
	case "monitoring.coreos.com/v1 PrometheusRule":
		return new(prometheusRule)
	}
	return nil
}

// custom is a resource with those fields of its spec that our manifests use.
type custom[Spec any] struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec Spec `json:"spec"`
}

type scaledObject = custom[struct {
	ScaleTargetRef struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Name       string `json:"name"`
	} `json:"scaleTargetRef"`
	MinReplicaCount int32 `json:"minReplicaCount"`
	MaxReplicaCount int32 `json:"maxReplicaCount"`
	Fallback        struct {
		FailureThreshold int32  `json:"failureThreshold"`
		Replicas         int32  `json:"replicas"`
		Behavior         string `json:"behavior"`
	} `json:"fallback"`
	Advanced struct {
		HorizontalPodAutoscalerConfig struct {
			Behavior struct {
				ScaleUp   scalingRules `json:"scaleUp"`
				ScaleDown scalingRules `json:"scaleDown"`
			} `json:"behavior"`
		} `json:"horizontalPodAutoscalerConfig"`
	} `json:"advanced"`
	Triggers []struct {
		Type       string       `json:"type"`
		MetricType string       `json:"metricType"`
		Metadata   kedaMetadata `json:"metadata"`
	} `json:"triggers"`
}]

// kedaMetadata has the keys of both triggers. In the CRD the metadata is a map, which accepts a misspelt key.
type kedaMetadata struct {
	ServerAddress    string `json:"serverAddress"`
	Query            string `json:"query"`
	Threshold        string `json:"threshold"`
	IgnoreNullValues string `json:"ignoreNullValues"`

	BootstrapServers     string `json:"bootstrapServers"`
	ConsumerGroup        string `json:"consumerGroup"`
	Topic                string `json:"topic"`
	LagThreshold         string `json:"lagThreshold"`
	OffsetResetPolicy    string `json:"offsetResetPolicy"`
	ExcludePersistentLag string `json:"excludePersistentLag"`
	AllowIdleConsumers   string `json:"allowIdleConsumers"`
	FullMetadata         string `json:"fullMetadata"`
}

type scalingRules struct {
	StabilizationWindowSeconds int32 `json:"stabilizationWindowSeconds"`
	Policies                   []struct {
		Type          string `json:"type"`
		Value         int32  `json:"value"`
		PeriodSeconds int32  `json:"periodSeconds"`
	} `json:"policies"`
}

type kafkaTopic = custom[struct {
	Partitions int32 `json:"partitions"`
	Replicas   int32 `json:"replicas"`
	Config     struct {
		MinInsyncReplicas    int32  `json:"min.insync.replicas"`
		CleanupPolicy        string `json:"cleanup.policy"`
		RetentionMs          int64  `json:"retention.ms"`
		RetentionBytes       int64  `json:"retention.bytes"`
		MessageTimestampType string `json:"message.timestamp.type"`
		MaxMessageBytes      int64  `json:"max.message.bytes"`
	} `json:"config"`
}]

type kafkaUser = custom[struct {
	Authentication struct {
		Type string `json:"type"`
	} `json:"authentication"`
	Authorization struct {
		Type string `json:"type"`
		ACLs []struct {
			Resource struct {
				Type        string `json:"type"`
				Name        string `json:"name"`
				PatternType string `json:"patternType"`
			} `json:"resource"`
			Operations []string `json:"operations"`
		} `json:"acls"`
	} `json:"authorization"`
}]

type externalSecret = custom[struct {
	RefreshInterval string `json:"refreshInterval"`
	SecretStoreRef  struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
	} `json:"secretStoreRef"`
	Target struct {
		Name           string `json:"name"`
		CreationPolicy string `json:"creationPolicy"`
		DeletionPolicy string `json:"deletionPolicy"`
	} `json:"target"`
	Data []struct {
		SecretKey string `json:"secretKey"`
		RemoteRef struct {
			Key string `json:"key"`
		} `json:"remoteRef"`
	} `json:"data"`
}]

type certificate = custom[struct {
	SecretName  string `json:"secretName"`
	CommonName  string `json:"commonName"`
	Duration    string `json:"duration"`
	RenewBefore string `json:"renewBefore"`
	PrivateKey  struct {
		Algorithm      string `json:"algorithm"`
		Size           int32  `json:"size"`
		RotationPolicy string `json:"rotationPolicy"`
	} `json:"privateKey"`
	Usages    []string `json:"usages"`
	IssuerRef struct {
		Group string `json:"group"`
		Kind  string `json:"kind"`
		Name  string `json:"name"`
	} `json:"issuerRef"`
}]

type podMonitor = custom[struct {
	JobLabel            string               `json:"jobLabel"`
	Selector            metav1.LabelSelector `json:"selector"`
	PodMetricsEndpoints []struct {
		Port          string `json:"port"`
		Path          string `json:"path"`
		Interval      string `json:"interval"`
		ScrapeTimeout string `json:"scrapeTimeout"`
		Relabelings   []struct {
			SourceLabels []string `json:"sourceLabels"`
			TargetLabel  string   `json:"targetLabel"`
		} `json:"relabelings"`
	} `json:"podMetricsEndpoints"`
}]

type prometheusRule = custom[struct {
	Groups []struct {
		Name  string `json:"name"`
		Rules []struct {
			Alert       string            `json:"alert"`
			Expr        string            `json:"expr"`
			For         string            `json:"for"`
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
		} `json:"rules"`
	} `json:"groups"`
}]
