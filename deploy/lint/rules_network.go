package lint

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
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
			if p.Port == nil || *p.Port != intstr.FromString("http") {
				j.add(o, "lets in to another port than http")
			}
		}
	}
}

// egress goes to named peers and ports: DNS, each broker's port, and HTTPS outside what is private.
func (j *judgement) egress(o *Object, rules []networkingv1.NetworkPolicyEgressRule) {
	var open []int32
	for _, r := range rules {
		if len(r.To) == 0 || len(r.Ports) == 0 {
			j.add(o, "lets the worker out to everybody, or to every port")
		}
		for _, p := range r.Ports {
			if p.Port != nil {
				open = append(open, p.Port.IntVal)
			}
		}
		j.peers(o, r.To)
	}
	for _, port := range j.portsOutside() {
		if !slices.Contains(open, port) {
			j.add(o, "does not let the worker out to port %d", port)
		}
	}
}

// portsOutside are those of DNS, the brokers, LeadHit or the proxy to it, the schema registry and the collector of traces.
func (j *judgement) portsOutside() []int32 {
	wanted := []int32{53}
	for broker := range strings.SplitSeq(j.setting("KAFKA_BROKERS"), ",") {
		_, port, _ := net.SplitHostPort(broker) // what is no address is for the program's own check
		wanted = append(wanted, portNumber(port)...)
	}
	leadhit := j.setting("LEADHIT_PROXY")
	if leadhit == "" {
		leadhit = j.setting("LEADHIT_URL")
	}
	for _, address := range []string{
		leadhit, j.setting("SCHEMA_REGISTRY_URL"), j.setting("OTEL_EXPORTER_OTLP_ENDPOINT"), j.setting("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
	} {
		u, err := url.Parse(address)
		switch {
		case err != nil || u.Host == "": // not set, or for the program's own check
		case u.Port() != "":
			wanted = append(wanted, portNumber(u.Port())...)
		case u.Scheme == "http":
			wanted = append(wanted, 80)
		default:
			wanted = append(wanted, 443)
		}
	}
	return wanted
}

// portNumber returns a port, or none for what is none.
func portNumber(text string) []int32 {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return nil
	}
	return []int32{int32(n)}
}

func (j *judgement) peers(o *Object, peers []networkingv1.NetworkPolicyPeer) {
	for _, peer := range peers {
		if peer.IPBlock != nil {
			j.block(o, peer.IPBlock)
		}
	}
}

// block must not hold the address of the cloud's metadata service.
func (j *judgement) block(o *Object, b *networkingv1.IPBlock) {
	holds := func(cidr, address string) bool {
		prefix, err := netip.ParsePrefix(cidr)
		return err == nil && prefix.Contains(netip.MustParseAddr(address))
	}
	for _, private := range []string{"169.254.169.254", "fe80::1", "fd00:ec2::254"} {
		excepted := slices.ContainsFunc(b.Except, func(cidr string) bool { return holds(cidr, private) })
		if holds(b.CIDR, private) && !excepted {
			j.add(o, "lets the worker out to %s, where a cloud's credentials are to be had", private)
		}
	}
	for _, inside := range []string{"10.0.0.1", "172.16.0.1", "192.168.0.1"} {
		excepted := slices.ContainsFunc(b.Except, func(cidr string) bool { return holds(cidr, inside) })
		if b.CIDR == "0.0.0.0/0" && !excepted {
			j.add(o, "lets the worker out to private addresses such as %s", inside)
		}
	}
}
