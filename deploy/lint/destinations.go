package lint

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// destination is where the worker connects to, by TCP.
type destination struct {
	host string
	port int32
}

// destinations are the brokers, LeadHit or the proxy to it, the schema registry and the collector of traces. What is no
// address is for the program's own check.
func (j *judgement) destinations() []destination {
	var found []destination
	for broker := range strings.SplitSeq(j.setting("KAFKA_BROKERS"), ",") {
		if host, port, err := net.SplitHostPort(strings.TrimSpace(broker)); err == nil {
			found = append(found, destinationOf(host, port)...)
		}
	}
	leadhit := j.setting("LEADHIT_PROXY")
	if leadhit == "" {
		leadhit = j.setting("LEADHIT_URL")
	}
	for _, address := range []string{
		leadhit, j.setting("SCHEMA_REGISTRY_URL"), j.setting("OTEL_EXPORTER_OTLP_ENDPOINT"), j.setting("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
	} {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" {
			continue
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "socks5": "1080"}[u.Scheme]
		}
		if port == "" {
			port = "443"
		}
		found = append(found, destinationOf(u.Hostname(), port)...)
	}
	return found
}

// destinationOf returns one, or none where the port is no number.
func destinationOf(host, port string) []destination {
	n, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		return nil
	}
	return []destination{{host, int32(n)}}
}

// namespaceOf is that of a Service by its name in DNS: kafka (the worker's own), kafka.shop.svc, kafka.shop.svc.cluster.local.
// inside is false for an address and for a name of the world outside. A name of two parts may be either, and counts as outside.
func (j *judgement) namespaceOf(host string) (namespace string, inside bool) {
	host = strings.TrimSuffix(strings.TrimSuffix(host, "."), ".cluster.local")
	if _, err := netip.ParseAddr(host); err == nil {
		return "", false
	}
	if !strings.Contains(host, ".") {
		return j.worker.Namespace, true
	}
	name, isService := strings.CutSuffix(host, ".svc")
	if !isService {
		return "", false
	}
	return name[strings.LastIndex(name, ".")+1:], true
}

// leads says whether a rule lets the worker out to a destination, as far as a name tells: to the namespace of a Service, to
// the block of an address, to any block for a host of the world outside.
func (j *judgement) leads(r networkingv1.NetworkPolicyEgressRule, d destination) bool {
	if !opens(r.Ports, corev1.ProtocolTCP, d.port) {
		return false
	}
	namespace, inside := j.namespaceOf(d.host)
	return slices.ContainsFunc(r.To, func(peer networkingv1.NetworkPolicyPeer) bool {
		switch {
		case inside && peer.NamespaceSelector != nil:
			return namesNamespace(peer.NamespaceSelector, namespace)
		case inside:
			return peer.IPBlock == nil && namespace == j.worker.Namespace // a podSelector alone
		}
		address, err := netip.ParseAddr(d.host)
		return peer.IPBlock != nil && (err != nil || blockHolds(peer.IPBlock, netip.PrefixFrom(address, address.BitLen())))
	})
}

// namesNamespace says whether a selector takes a namespace by the label that Kubernetes gives each. One by other labels may.
func namesNamespace(s *metav1.LabelSelector, name string) bool {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return false
	}
	_, named := selector.RequiresExactMatch(corev1.LabelMetadataName)
	return !named || selector.Matches(labels.Set{corev1.LabelMetadataName: name})
}
