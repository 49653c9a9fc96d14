package lint

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// status: "leadhit-sync status --workers dns:leadhit-sync:8080" in one worker's pod finds all workers and reaches them.
func status(j *judgement) {
	named := false
	for _, o := range j.overlay.all("Service") {
		s, ok := o.Typed.(*corev1.Service)
		if !ok || s.Spec.ClusterIP != corev1.ClusterIPNone || s.Spec.Type != "" && s.Spec.Type != corev1.ServiceTypeClusterIP {
			j.add(o, "is not headless (clusterIP: None): nobody may send traffic to a worker")
			continue
		}
		if o.Namespace == j.worker.Namespace && o.ObjectName == j.worker.Name {
			named = true
			j.names(o, &s.Spec)
		}
	}
	j.wrong(!named, "has no headless Service of its name: status --workers dns:%s:PORT would find nobody", j.worker.Name)
	for _, o := range j.overlay.all("NetworkPolicy") {
		if p, ok := o.Typed.(*networkingv1.NetworkPolicy); ok {
			j.asked(o, &p.Spec)
		}
	}
}

// names: the Service stands for every worker, at the port of the pages.
func (j *judgement) names(o *Object, s *corev1.ServiceSpec) {
	if len(s.Selector) == 0 || !labels.SelectorFromSet(s.Selector).Matches(labels.Set(j.worker.Spec.Template.Labels)) {
		j.add(o, "does not select the worker's pods")
	}
	if !s.PublishNotReadyAddresses {
		j.add(o, "leaves out workers that are not ready: those are the ones to ask")
	}
	if !slices.ContainsFunc(s.Ports, func(p corev1.ServicePort) bool {
		return p.Port == j.pages() && p.TargetPort == intstr.FromString("http")
	}) {
		j.add(o, "lacks the port %d for the worker's port http: with a headless Service both are the same", j.pages())
	}
}

// pages is the number of the port named http.
func (j *judgement) pages() int32 {
	for _, p := range j.container.Ports {
		if p.Name == "http" {
			return p.ContainerPort
		}
	}
	return 0
}

// asked: the policy lets workers ask workers, in both directions.
func (j *judgement) asked(o *Object, p *networkingv1.NetworkPolicySpec) {
	workers := func(peer networkingv1.NetworkPolicyPeer) bool {
		return peer.NamespaceSelector == nil && peer.IPBlock == nil && peer.PodSelector != nil && j.takes(peer.PodSelector)
	}
	if !slices.ContainsFunc(p.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool {
		return slices.ContainsFunc(r.From, workers)
	}) {
		j.add(o, "does not let workers in: status in one worker's pod could not ask the others")
	}
	if !slices.ContainsFunc(p.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool {
		return slices.ContainsFunc(r.To, workers) && opens(r.Ports, corev1.ProtocolTCP, j.pages())
	}) {
		j.add(o, "does not let the worker out to other workers, port %d: status in its pod could not ask them", j.pages())
	}
}

// takes says whether a selector takes the worker's pods, perhaps among others.
func (j *judgement) takes(s *metav1.LabelSelector) bool {
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(labels.Set(j.worker.Spec.Template.Labels))
}
