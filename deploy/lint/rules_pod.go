package lint

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// decodes: each object is of a kind that we know, without a field that it has not.
func decodes(j *judgement) {
	known := shapes()
	for _, o := range j.overlay.Objects {
		shape, custom := known[o.kind.Kind]
		switch {
		case o.strict != nil:
			j.add(o, "%v", o.strict)
		case o.Typed == nil && !custom:
			j.add(o, "is of a kind that nobody here knows: %s", o.kind)
		case o.Typed == nil:
			for _, wrong := range shape.wrong(o) {
				j.add(o, "%s", wrong)
			}
		}
	}
}

// podSecurity runs Kubernetes' own checks of the level restricted.
func podSecurity(j *judgement) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		j.wrong(true, "the checks cannot be made: %v", err)
		return
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, t := range j.templates() {
		if result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, t.meta, t.pod)); !result.Allowed {
			j.add(t, "%s: %s", result.ForbiddenReason(), result.ForbiddenDetail())
		}
	}
}

var (
	version = regexp.MustCompile(`:v?[0-9]+\.[0-9]+\.[0-9]+([-.][0-9A-Za-z.-]+)?$`)
	digest  = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)
)

// image: a version or a digest says what runs; a tag that moves does not.
func image(j *judgement) {
	for _, t := range j.templates() {
		for _, c := range t.containers() {
			_, tag, _ := strings.Cut(version.FindString(c.Image), ":")
			if (tag == "" || strings.Contains(tag, "latest")) && !digest.MatchString(c.Image) {
				j.add(t, "container %s has the image %q, want a version (1.2.3) or a digest", c.Name, c.Image)
			}
			if c.ImagePullPolicy == corev1.PullNever {
				j.add(t, "container %s is never pulled: a node without the image could not start it", c.Name)
			}
		}
	}
}

// command: the image's own program runs, as a worker.
func command(j *judgement) {
	j.wrong(len(j.container.Command) > 0, "has the command %q, want the image's own", j.container.Command)
	j.wrong(!slices.Equal(j.container.Args, []string{"run"}), "has the arguments %q, want [run]", j.container.Args)
}

// noToken: the worker never asks the API server, and wants no variables of other Services.
func noToken(j *judgement) {
	for _, t := range j.templates() {
		j.tokens(t)
	}
	account := j.overlay.find("ServiceAccount", j.worker.Namespace, j.pod.ServiceAccountName)
	if account == nil {
		j.wrong(true, "has the service account %q, which is not here", j.pod.ServiceAccountName)
		return
	}
	a, ok := account.Typed.(*corev1.ServiceAccount)
	if !ok || a.AutomountServiceAccountToken == nil || *a.AutomountServiceAccountToken {
		j.add(account, "automountServiceAccountToken is not false")
	}
}

func (j *judgement) tokens(t template) {
	if a := t.pod.AutomountServiceAccountToken; a == nil || *a {
		j.add(t, "the pod gets a token of its service account")
	}
	if l := t.pod.EnableServiceLinks; l == nil || *l {
		j.add(t, "enableServiceLinks is not false: KAFKA_PORT and the like would be set")
	}
	isToken := func(s corev1.VolumeProjection) bool { return s.ServiceAccountToken != nil }
	for _, v := range t.pod.Volumes {
		if v.Projected != nil && slices.ContainsFunc(v.Projected.Sources, isToken) {
			j.add(t, "the volume %s holds a token of the service account", v.Name)
		}
	}
}
