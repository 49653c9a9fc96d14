package lint

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
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
	result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &j.worker.Spec.Template.ObjectMeta, j.pod))
	j.wrong(!result.Allowed, "%s: %s", result.ForbiddenReason(), result.ForbiddenDetail())
}

var (
	version = regexp.MustCompile(`:v?[0-9]+\.[0-9]+\.[0-9]+([-.][0-9A-Za-z.-]+)?$`)
	digest  = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)
)

// image: a version or a digest says what runs; a tag that moves does not.
func image(j *judgement) {
	for _, c := range slices.Concat(j.pod.InitContainers, j.pod.Containers) {
		j.wrong(!version.MatchString(c.Image) && !digest.MatchString(c.Image),
			"container %s has the image %q, want a version (1.2.3) or a digest", c.Name, c.Image)
	}
}

// hardening: what "restricted" leaves open.
func hardening(j *judgement) {
	user, group := j.pod.SecurityContext, int64(65532)
	j.wrong(user == nil || user.RunAsUser == nil || *user.RunAsUser != group || user.RunAsGroup == nil || *user.RunAsGroup != group,
		"runs as another user or group than 65532, the image's")
	j.wrong(user == nil || user.FSGroup == nil || *user.FSGroup != group, "lacks fsGroup 65532, so the worker could not read its Secrets")
	s := j.container.SecurityContext
	j.wrong(s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem, "the root file system can be written")
	j.wrong(j.container.TerminationMessagePolicy != corev1.TerminationMessageFallbackToLogsOnError,
		"terminationMessagePolicy is not FallbackToLogsOnError: a crash would say nothing in the pod's status")
	tmp := slices.IndexFunc(j.container.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == "/tmp" })
	if tmp < 0 {
		j.wrong(true, "has no /tmp, and the root file system is read-only")
		return
	}
	volume := j.volume(j.container.VolumeMounts[tmp].Name)
	j.wrong(volume == nil || volume.EmptyDir == nil || volume.EmptyDir.Medium != corev1.StorageMediumMemory || volume.EmptyDir.SizeLimit == nil,
		"/tmp is no emptyDir in memory with a size limit")
}

func (j *judgement) volume(name string) *corev1.Volume {
	if i := slices.IndexFunc(j.pod.Volumes, func(v corev1.Volume) bool { return v.Name == name }); i >= 0 {
		return &j.pod.Volumes[i]
	}
	return nil
}

// noToken: the worker never asks the API server, and wants no variables of other Services.
func noToken(j *judgement) {
	j.wrong(j.pod.AutomountServiceAccountToken == nil || *j.pod.AutomountServiceAccountToken, "the pod gets a token of its service account")
	j.wrong(j.pod.EnableServiceLinks == nil || *j.pod.EnableServiceLinks, "enableServiceLinks is not false: KAFKA_PORT and the like would be set")
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

// memory: the limit is the request, GOMEMLIMIT nine tenths of it, and CPU has a request alone.
func memory(j *judgement) {
	limits, requests := j.container.Resources.Limits, j.container.Resources.Requests
	limit, limited := limits[corev1.ResourceMemory]
	request := requests[corev1.ResourceMemory]
	if !limited {
		j.wrong(true, "has no memory limit")
		return
	}
	j.wrong(limit.Cmp(request) != 0, "memory: limit %s is not the request %s", limit.String(), request.String())
	j.wrong(requests.Cpu().IsZero(), "has no CPU request")
	_, throttled := limits[corev1.ResourceCPU]
	j.wrong(throttled, "has a CPU limit: a throttled worker misses its lease")
	goal := goMemory(j.settings["GOMEMLIMIT"])
	share := float64(goal) / float64(limit.Value())
	j.wrong(share < 0.85 || share > 0.95, "GOMEMLIMIT %q is %.0f %% of the memory limit %s, want about 90 %%",
		j.settings["GOMEMLIMIT"], 100*share, limit.String())
}

// goMemory reads what Go's runtime takes for GOMEMLIMIT; 0 for what it would not.
func goMemory(text string) int64 {
	number, unit, found := strings.Cut(text, "iB")
	if !found || unit != "" {
		return 0
	}
	q, err := resource.ParseQuantity(number + "i")
	if err != nil {
		return 0
	}
	return q.Value()
}

// grace: SIGTERM's work fits into the grace period. A generation that drains takes drain + a last commit (half a session)
// + leaving; a join that is under way is waited for instead of the first two. Ten seconds are for the rest.
func grace(j *judgement) {
	session, err := time.ParseDuration(j.setting("KAFKA_SESSION_TIMEOUT"))
	if err != nil {
		j.wrong(true, "KAFKA_SESSION_TIMEOUT: %v", err)
		return
	}
	p := j.program
	need := max(p.Drain+session/2, p.Rebalance) + p.IO + 10*time.Second
	given := time.Duration(0)
	if s := j.pod.TerminationGracePeriodSeconds; s != nil {
		given = time.Duration(*s) * time.Second
	}
	j.wrong(given < need, "terminationGracePeriodSeconds is %s; max(drain %s + commit %s, join %s) + leaving %s + 10s = %s is needed",
		given, p.Drain, session/2, p.Rebalance, p.IO, need)
	j.wrong(j.container.Lifecycle != nil && j.container.Lifecycle.PreStop != nil, "has a preStop: it takes from the grace period, and no Service sends traffic here")
}

// Grace returns the worker's grace period.
func (o *Overlay) Grace() time.Duration {
	if d := o.worker(); d != nil && d.Spec.Template.Spec.TerminationGracePeriodSeconds != nil {
		return time.Duration(*d.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
	}
	return 0
}

// Arguments returns the worker's command line.
func (o *Overlay) Arguments() []string {
	if d := o.worker(); d != nil {
		return containerOf(d).Args
	}
	return nil
}

// probes: each path is served, and liveness never waits for what readiness waits for.
func probes(j *judgement) {
	path := func(p *corev1.Probe) string {
		if p == nil || p.HTTPGet == nil {
			return ""
		}
		return p.HTTPGet.Path
	}
	live, ready, startup := path(j.container.LivenessProbe), path(j.container.ReadinessProbe), path(j.container.StartupProbe)
	for probe, path := range map[string]string{"liveness": live, "readiness": ready, "startup": startup} {
		j.wrong(!slices.Contains(j.program.Paths, path), "the %s probe asks for %q, which the program does not serve", probe, path)
	}
	j.wrong(live == ready, "liveness and readiness ask for the same path: an outage would restart the workers")
	j.wrong(startup != live, "the startup probe asks for another path than liveness")
}

// ports: names agree, and HTTP_ADDR listens where the probes ask.
func ports(j *judgement) {
	known := map[string]int32{}
	for _, p := range j.container.Ports {
		known[p.Name] = p.ContainerPort
	}
	_, port, err := net.SplitHostPort(j.setting("HTTP_ADDR"))
	number, errPort := strconv.ParseInt(port, 10, 32)
	j.wrong(err != nil || errPort != nil || known["http"] != int32(number), "HTTP_ADDR %q does not listen on the port named http, %d", j.setting("HTTP_ADDR"), known["http"])
	for name, p := range map[string]*corev1.Probe{
		"liveness": j.container.LivenessProbe, "readiness": j.container.ReadinessProbe, "startup": j.container.StartupProbe,
	} {
		j.wrong(p != nil && p.HTTPGet != nil && p.HTTPGet.Port.StrVal != "http", "the %s probe does not ask at the port http", name)
	}
	j.scrapes(known)
}

// scrapes: a PodMonitor asks at a port and for a path that are there.
func (j *judgement) scrapes(known map[string]int32) {
	for _, o := range j.overlay.all("PodMonitor") {
		var m struct {
			Spec struct {
				PodMetricsEndpoints []struct{ Port, Path string }
			}
		}
		if err := o.into(&m); err != nil {
			j.add(o, "%v", err)
		}
		for _, e := range m.Spec.PodMetricsEndpoints {
			if _, ok := known[e.Port]; !ok {
				j.add(o, "scrapes the port %q, which the worker has not", e.Port)
			}
			if e.Path != "" && !slices.Contains(j.program.Paths, e.Path) {
				j.add(o, "scrapes %s, which the program does not serve", e.Path)
			}
		}
	}
}
