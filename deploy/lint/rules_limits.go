package lint

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

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
	for _, t := range j.templates() {
		for _, c := range t.containers() {
			if c.Lifecycle != nil && c.Lifecycle.PreStop != nil {
				j.add(t, "container %s has a preStop: it takes from the grace period, and no Service sends traffic here", c.Name)
			}
			if c.Lifecycle != nil && c.Lifecycle.PostStart != nil {
				j.add(t, "container %s has a postStart: until it ends no SIGTERM is sent", c.Name)
			}
		}
	}
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
