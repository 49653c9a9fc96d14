package lint

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// network: one policy, in and out, that lets through what the worker needs and not the cloud's metadata service.
func network(j *judgement) {
	policies := j.overlay.all("NetworkPolicy")
	j.wrong(len(policies) != 1, "has %d NetworkPolicies, want one", len(policies))
	for _, o := range policies {
		p, ok := o.Typed.(*networkingv1.NetworkPolicy)
		if !ok || o.Namespace != j.worker.Namespace || !j.selects(&p.Spec.PodSelector) {
			j.add(o, "does not select the worker's pods")
			continue
		}
		for _, direction := range []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress} {
			if !slices.Contains(p.Spec.PolicyTypes, direction) {
				j.add(o, "leaves %s open", direction)
			}
		}
		j.ingress(o, p.Spec.Ingress)
		j.egress(o, p.Spec.Egress)
	}
}

// ingress may reach the port http, from named peers.
func (j *judgement) ingress(o *Object, rules []networkingv1.NetworkPolicyIngressRule) {
	for _, r := range rules {
		if len(r.From) == 0 || len(r.Ports) == 0 {
			j.add(o, "lets everybody in, or to every port")
		}
		for _, p := range r.Ports {
			if p.Port == nil || *p.Port != intstr.FromString("http") || p.EndPort != nil {
				j.add(o, "lets in to another port than http")
			}
		}
		j.scrapers(o, r.From)
	}
}

func (j *judgement) scrapers(o *Object, peers []networkingv1.NetworkPolicyPeer) {
	for _, peer := range peers {
		if peer.IPBlock != nil && wide(peer.IPBlock.CIDR) {
			j.add(o, "lets everybody in from %s", peer.IPBlock.CIDR)
		}
		if everyNamespace(peer) {
			j.add(o, "lets all namespaces in")
		}
	}
}

// everyNamespace says whether a peer's selector of namespaces takes all.
func everyNamespace(peer networkingv1.NetworkPolicyPeer) bool {
	if peer.NamespaceSelector == nil {
		return false
	}
	s, err := metav1.LabelSelectorAsSelector(peer.NamespaceSelector)
	return err != nil || s.Empty()
}

// egress goes to named peers and ports: DNS, each broker, and HTTPS outside what is private.
func (j *judgement) egress(o *Object, rules []networkingv1.NetworkPolicyEgressRule) {
	for _, r := range rules {
		if len(r.To) == 0 || len(r.Ports) == 0 {
			j.add(o, "lets the worker out to everybody, or to every port")
		}
		for _, p := range r.Ports {
			if p.Port == nil || p.Port.IntVal == 0 || p.EndPort != nil {
				j.add(o, "lets the worker out to every port, or to ports that are no single numbers")
			}
		}
		j.peers(o, r.To)
	}
	j.reaches(o, rules)
}

func (j *judgement) peers(o *Object, peers []networkingv1.NetworkPolicyPeer) {
	for _, peer := range peers {
		if peer.IPBlock != nil {
			j.block(o, peer.IPBlock)
		}
		if everyNamespace(peer) {
			j.add(o, "lets the worker out to all namespaces")
		}
	}
}

// reaches: the rules let the worker out to DNS and to all that its settings name.
func (j *judgement) reaches(o *Object, rules []networkingv1.NetworkPolicyEgressRule) {
	for _, protocol := range []corev1.Protocol{corev1.ProtocolUDP, corev1.ProtocolTCP} {
		if !slices.ContainsFunc(rules, func(r networkingv1.NetworkPolicyEgressRule) bool {
			return opens(r.Ports, protocol, 53) || opens(r.Ports, protocol, 5353) // OpenShift's pods listen on the latter
		}) {
			j.add(o, "does not let the worker ask DNS by %s, port 53", protocol)
		}
	}
	for _, d := range j.destinations() {
		if !slices.ContainsFunc(rules, func(r networkingv1.NetworkPolicyEgressRule) bool { return j.leads(r, d) }) {
			j.add(o, "does not let the worker out to %s, port %d", d.host, d.port)
		}
	}
}

// opens says whether a port is among those of a rule.
func opens(ports []networkingv1.NetworkPolicyPort, protocol corev1.Protocol, number int32) bool {
	return slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		named := corev1.ProtocolTCP
		if p.Protocol != nil {
			named = *p.Protocol
		}
		return named == protocol && p.Port != nil && p.Port.IntVal == number
	})
}
