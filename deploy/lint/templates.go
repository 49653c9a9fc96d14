package lint

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// template is what one object makes pods of. The rules about pods judge each, not the worker's alone.
type template struct {
	*Object

	meta *metav1.ObjectMeta
	pod  *corev1.PodSpec
}

// templates are those of the whole overlay.
func (j *judgement) templates() []template {
	var found []template
	for _, o := range j.overlay.Objects {
		if t := templateOf(o); t.pod != nil {
			found = append(found, t)
		}
	}
	return found
}

// templateOf returns an object's template, with a nil pod where it has none.
func templateOf(o *Object) template {
	of := func(t *corev1.PodTemplateSpec) template { return template{o, &t.ObjectMeta, &t.Spec} }
	switch typed := o.Typed.(type) {
	case *appsv1.Deployment:
		return of(&typed.Spec.Template)
	case *appsv1.StatefulSet:
		return of(&typed.Spec.Template)
	case *appsv1.DaemonSet:
		return of(&typed.Spec.Template)
	case *batchv1.Job:
		return of(&typed.Spec.Template)
	case *batchv1.CronJob:
		return of(&typed.Spec.JobTemplate.Spec.Template)
	case *corev1.Pod:
		return template{o, &typed.ObjectMeta, &typed.Spec}
	}
	return template{}
}

// containers are all of the template's, those that run first included.
func (t template) containers() []corev1.Container {
	return slices.Concat(t.pod.InitContainers, t.pod.Containers)
}

// kindsAllowed are the kinds with Go types that an overlay may hold; those without have a shape. Templates are of those
// that templateOf knows, and nothing here gives rights in the cluster or opens a door into it.
func kindsAllowed() []string {
	return []string{
		"Namespace", "Service", "ServiceAccount", "ConfigMap", "NetworkPolicy", "PodDisruptionBudget", "HorizontalPodAutoscaler",
		"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod",
		"Secret", // the rule about secrets judges it, and the rule about status judges each Service
	}
}

// kinds: an overlay holds what a worker needs and what these rules can judge.
func kinds(j *judgement) {
	for _, o := range j.overlay.Objects {
		if o.Typed != nil && !slices.Contains(kindsAllowed(), o.kind.Kind) {
			j.add(o, "is of a kind that a worker does not need: %s", o.kind.Kind)
		}
	}
}
