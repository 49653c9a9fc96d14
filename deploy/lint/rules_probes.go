package lint

import (
	"cmp"
	"net"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

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
	j.patience()
}

// patience: a worker is killed for what lasts, not for a busy moment of its node, and then it has its grace period.
func (j *judgement) patience() {
	for name, p := range map[string]*corev1.Probe{
		"liveness": j.container.LivenessProbe, "readiness": j.container.ReadinessProbe, "startup": j.container.StartupProbe,
	} {
		if p == nil {
			continue // told above
		}
		j.wrong(p.TerminationGracePeriodSeconds != nil, "the %s probe has a grace period of its own: a worker could be killed in its last commit", name)
		// Kubernetes' own defaults stand for what is not said.
		limit, period, failures := cmp.Or(p.TimeoutSeconds, 1), cmp.Or(p.PeriodSeconds, 10), cmp.Or(p.FailureThreshold, 3)
		j.wrong(limit < 2, "the %s probe waits %d s for an answer, want 2 at least", name, limit)
		j.wrong(name != "readiness" && (period*failures < 30 || failures < 3),
			"the %s probe gives up after %d tries within %d s, want three at least within 30 at least", name, failures, period*failures)
	}
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
