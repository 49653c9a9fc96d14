package lint

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// rollout: no surge, for a Deployment does not count the pods that still drain.
func rollout(j *judgement) {
	s := j.worker.Spec.Strategy
	u := s.RollingUpdate
	j.wrong(s.Type != appsv1.RollingUpdateDeploymentStrategyType || u == nil || u.MaxSurge == nil || *u.MaxSurge != intstr.FromInt32(0),
		"maxSurge is not 0: the group would have up to twice the members, and LeadHit twice the calls")
	j.wrong(u == nil || u.MaxUnavailable == nil || !fewAtOnce(*u.MaxUnavailable),
		"maxUnavailable is not 1, nor a share of 25%% at most: so many partitions would stand still at once")
	j.wrong(j.worker.Spec.MinReadySeconds < 10, "minReadySeconds is %d, want at least 10", j.worker.Spec.MinReadySeconds)
}

// fewAtOnce says whether so many pods may be replaced at once: one, or a quarter.
func fewAtOnce(n intstr.IntOrString) bool {
	if n.Type == intstr.Int {
		return n.IntVal == 1
	}
	share, err := strconv.Atoi(strings.TrimSuffix(n.StrVal, "%"))
	return err == nil && strings.HasSuffix(n.StrVal, "%") && share > 0 && share <= 25
}

// spread: over nodes and zones, as a wish, counted for each revision.
func spread(j *judgement) {
	for _, key := range []string{corev1.LabelHostname, corev1.LabelTopologyZone} {
		i := slices.IndexFunc(j.pod.TopologySpreadConstraints, func(c corev1.TopologySpreadConstraint) bool { return c.TopologyKey == key })
		if i < 0 {
			j.wrong(true, "is not spread over %s", key)
			continue
		}
		c := j.pod.TopologySpreadConstraints[i]
		j.wrong(c.WhenUnsatisfiable != corev1.ScheduleAnyway, "would rather be pending than share a %s", key)
		j.wrong(!slices.Contains(c.MatchLabelKeys, appsv1.DefaultDeploymentUniqueLabelKey), "counts the pods of old revisions per %s", key)
		j.wrong(!j.selects(c.LabelSelector), "counts other pods than its own per %s", key)
	}
}

// selects says whether a selector takes the worker's pods, and is not one that takes all pods.
func (j *judgement) selects(s *metav1.LabelSelector) bool {
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && !selector.Empty() && selector.Matches(labels.Set(j.worker.Spec.Template.Labels))
}

// selectors: what selects pods selects the worker's.
func selectors(j *judgement) {
	j.wrong(!j.selects(j.worker.Spec.Selector), "its selector does not take its own pods")
	for _, o := range j.overlay.all("PodMonitor") {
		var m struct {
			Spec struct{ Selector metav1.LabelSelector }
		}
		if err := o.into(&m); err != nil || !j.selects(&m.Spec.Selector) || o.Namespace != j.worker.Namespace {
			j.add(o, "does not select the worker's pods")
		}
	}
	for _, kind := range []string{"ScaledObject", "HorizontalPodAutoscaler"} {
		for _, o := range j.overlay.all(kind) {
			var s struct {
				Spec struct {
					ScaleTargetRef struct{ Kind, Name string }
				}
			}
			if err := o.into(&s); err != nil || s.Spec.ScaleTargetRef.Kind != "Deployment" || s.Spec.ScaleTargetRef.Name != j.worker.Name ||
				o.Namespace != j.worker.Namespace {
				j.add(o, "does not scale the worker")
			}
		}
	}
}

// disruption: a budget that lets one pod go, and every broken one.
func disruption(j *judgement) {
	budgets := j.overlay.all("PodDisruptionBudget")
	j.wrong(len(budgets) != 1, "has %d PodDisruptionBudgets, want one", len(budgets))
	for _, o := range budgets {
		b, ok := o.Typed.(*policyv1.PodDisruptionBudget)
		switch {
		case !ok || !j.selects(b.Spec.Selector) || o.Namespace != j.worker.Namespace:
			j.add(o, "does not select the worker's pods")
		case b.Spec.MaxUnavailable == nil || *b.Spec.MaxUnavailable != intstr.FromInt32(1):
			j.add(o, "maxUnavailable is not 1")
		case b.Spec.UnhealthyPodEvictionPolicy == nil || *b.Spec.UnhealthyPodEvictionPolicy != policyv1.AlwaysAllow:
			j.add(o, "unhealthyPodEvictionPolicy is not AlwaysAllow: a worker that is not ready would hold up a node's drain")
		}
	}
}

// replicas: one owner of their number.
func replicas(j *judgement) {
	owners := len(j.overlay.all("ScaledObject")) + len(j.overlay.all("HorizontalPodAutoscaler"))
	j.wrong(owners > 1, "has %d autoscalers, which undo each other's work", owners)
	j.wrong(owners > 0 && j.worker.Spec.Replicas != nil, "says replicas beside an autoscaler: each apply would undo its work")
	j.wrong(owners == 0 && (j.worker.Spec.Replicas == nil || *j.worker.Spec.Replicas < 2), "has fewer than two replicas")
}

// keysOf returns a map's keys, sorted.
func keysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
