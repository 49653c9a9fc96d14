package lint

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Finding is one fault of an overlay.
type Finding struct {
	// Rule is the name of the rule that found it.
	Rule string
	// Object is what it is about: Deployment/leadhit-sync.
	Object string
	// Text says what is wrong and what is wanted.
	Text string
}

// String returns the finding as one line.
func (f Finding) String() string { return f.Rule + ": " + f.Object + ": " + f.Text }

// rule is one rule: it adds what it finds to the judgement.
type rule struct {
	name  string
	check func(*judgement)
}

// rules are all, in the order in which a reader wants their findings.
func rules() []rule {
	return []rule{
		{"decode", decodes},
		{"kinds", kinds},
		{"pod-security", podSecurity},
		{"image", image},
		{"command", command},
		{"hardening", hardening},
		{"token", noToken},
		{"memory", memory},
		{"grace", grace},
		{"rollout", rollout},
		{"spread", spread},
		{"probes", probes},
		{"ports", ports},
		{"settings", settings},
		{"secrets", secrets},
		{"files", files},
		{"selectors", selectors},
		{"disruption", disruption},
		{"network", network},
		{"status", status},
		{"replicas", replicas},
		{"scaling", scaling},
		{"keda", keda},
		{"topics", topics},
		{"access", access},
	}
}

// Rules returns the names of all rules.
func Rules() []string {
	var names []string
	for _, r := range rules() {
		names = append(names, r.name)
	}
	return names
}

// Judge runs every rule over the overlay and returns what they find. The program's settings and limits are p.
func (o *Overlay) Judge(p *Program) []Finding {
	j := &judgement{overlay: o, program: p}
	if j.worker = o.worker(); j.worker == nil {
		return []Finding{{"worker", o.Name, "holds no Deployment with a container named worker"}}
	}
	j.pod = &j.worker.Spec.Template.Spec
	j.container = containerOf(j.worker)
	j.settings = j.settingsOf()
	for _, r := range rules() {
		j.rule = r.name
		r.check(j)
	}
	return j.findings
}

// judgement is one overlay under judgement: what several rules look at, and what they found.
type judgement struct {
	overlay   *Overlay
	program   *Program
	worker    *appsv1.Deployment
	pod       *corev1.PodSpec
	container *corev1.Container
	// settings are the worker's environment, as far as it is written in the overlay.
	settings map[string]string

	rule     string
	findings []Finding
}

// add notes a finding about an object.
func (j *judgement) add(object fmt.Stringer, format string, args ...any) {
	j.findings = append(j.findings, Finding{j.rule, object.String(), fmt.Sprintf(format, args...)})
}

// wrong notes a finding about the worker's Deployment, if it is one.
func (j *judgement) wrong(is bool, format string, args ...any) { //nolint:revive // it reads as an assertion
	if is {
		j.findings = append(j.findings, Finding{j.rule, "Deployment/" + j.worker.Name, fmt.Sprintf(format, args...)})
	}
}

// setting returns the value in force: the overlay's or the program's default.
func (j *judgement) setting(name string) string {
	if value, set := j.settings[name]; set {
		return value
	}
	known, _ := j.program.setting(name)
	return known.Default
}

// worker returns the one Deployment with a container of that name, or nil.
func (o *Overlay) worker() *appsv1.Deployment {
	for _, object := range o.Objects {
		if d, ok := object.Typed.(*appsv1.Deployment); ok && containerOf(d) != nil {
			return d
		}
	}
	return nil
}

func containerOf(d *appsv1.Deployment) *corev1.Container {
	containers := d.Spec.Template.Spec.Containers
	if i := slices.IndexFunc(containers, func(c corev1.Container) bool { return c.Name == "worker" }); i >= 0 {
		return &containers[i]
	}
	return nil
}

// all returns the objects of a kind.
func (o *Overlay) all(kind string) []*Object {
	var found []*Object
	for _, object := range o.Objects {
		if object.kind.Kind == kind {
			found = append(found, object)
		}
	}
	return found
}

// find returns the object of a kind, a namespace and a name, or nil.
func (o *Overlay) find(kind, namespace, name string) *Object {
	for _, object := range o.all(kind) {
		if object.Namespace == namespace && object.ObjectName == name {
			return object
		}
	}
	return nil
}
