package lint

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// judgement collects the findings about one overlay.
type judgement struct {
	*Overlay

	program  *Program
	findings []string
}

// Judge runs every rule over the overlay. A finding is a line "rule: Kind/name: what is wrong".
func (o *Overlay) Judge(p *Program) []string {
	j := &judgement{Overlay: o, program: p}
	j.decoding()
	j.podSecurity()
	j.knownSettings()
	j.secrets()
	j.grace()
	j.probes()
	j.topics()
	j.rights()
	j.scaling()
	j.oneDesk()
	return j.findings
}

// add records a finding if something is wrong.
func (j *judgement) add(wrong bool, rule string, about fmt.Stringer, format string, args ...any) {
	if wrong {
		j.findings = append(j.findings, fmt.Sprintf("%s: %s: ", rule, about)+fmt.Sprintf(format, args...))
	}
}

// label is the name of an object in a finding.
type label string

func (l label) String() string { return string(l) }

func (j *judgement) worker() label { return label("Deployment/" + j.Worker.Name) }

// setting returns the value in effect: the overlay's value, or else the program's default.
func (j *judgement) setting(name string) string {
	if value, set := j.settings[name]; set {
		return value
	}
	known, _ := j.program.setting(name)
	return known.Default
}

// decoding checks that each object is of a known kind and has only fields of that kind.
func (j *judgement) decoding() {
	for i := range j.objects {
		for _, wrong := range j.objects[i].wrong {
			j.add(true, "decode", &j.objects[i], "%v", wrong)
		}
	}
}

// podSecurity runs Kubernetes' own checks for the Pod Security level "restricted".
func (j *judgement) podSecurity() {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		j.add(true, "pod-security", j.worker(), "the checks cannot be loaded: %v", err)
		return
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, d := range contents[*appsv1.Deployment](j.Overlay) {
		pod := &d.Spec.Template
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec))
		j.add(!result.Allowed, "pod-security", label("Deployment/"+d.Name),
			"%s: %s", result.ForbiddenReason(), result.ForbiddenDetail())
	}
}

// foreign matches variables that the Go runtime or a library reads.
var foreign = regexp.MustCompile(`^(GOMEMLIMIT|GOGC|GOMAXPROCS|GODEBUG|GOTRACEBACK|` +
	`OTEL_(RESOURCE_ATTRIBUTES|TRACES_SAMPLER.*|BSP_.*|SPAN_.*))$`)

// knownSettings checks that each variable is a setting of the program, or is read by the Go runtime or a library. It
// also checks that each required setting is set.
func (j *judgement) knownSettings() {
	for _, from := range j.container.EnvFrom {
		j.add(from.ConfigMapRef != nil && j.configMap(from.ConfigMapRef) == nil, "settings", j.worker(),
			"takes its settings from a ConfigMap that is not in the manifests")
	}
	for _, name := range slices.Sorted(maps.Keys(j.settings)) {
		_, known := j.program.setting(name)
		j.add(!known && !foreign.MatchString(name), "settings", j.worker(),
			"sets %s, which is not a setting of the program", name)
	}
	for _, s := range j.program.Settings {
		j.add(s.Required && j.settings[s.Name] == "", "settings", j.worker(), "does not set %s, which is required", s.Name)
	}
}

// secrets checks that each secret is mounted as a file, which is reread when it changes. No variable and no ConfigMap
// may contain a secret.
func (j *judgement) secrets() {
	secret := regexp.MustCompile(`(PASSWORD|KEY|SECRET|TOKEN|CREDENTIALS?|HEADERS)$`)
	for _, from := range j.container.EnvFrom {
		j.add(from.SecretRef != nil, "secrets", j.worker(),
			"takes variables from a Secret; mount it as a volume and set the _FILE setting")
	}
	for _, e := range j.container.Env {
		j.add(e.ValueFrom != nil, "secrets", j.worker(),
			"sets %s with valueFrom; mount a Secret as a volume and set the _FILE setting", e.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(j.settings)) {
		// A variable with valueFrom has no text here, and is reported above.
		j.add(secret.MatchString(name) && j.settings[name] != "", "secrets", j.worker(),
			"sets %s in plain text; set the _FILE setting", name)
		u, err := url.Parse(j.settings[name])
		j.add(err == nil && u.User != nil, "secrets", j.worker(), "%s is a URL that contains a user name", name)
	}
	for _, s := range contents[*corev1.Secret](j.Overlay) {
		j.add(true, "secrets", label("Secret/"+s.Name),
			"must not be in the manifests; create it with kubectl, or with components/external-secrets")
	}
}

// grace checks that the work after SIGTERM fits into the grace period. A worker drains, commits (for up to half a
// session timeout) and leaves the group. A worker that is joining waits for the join instead of draining and
// committing. Ten seconds are kept in reserve.
func (j *judgement) grace() {
	session, err := time.ParseDuration(j.setting("KAFKA_SESSION_TIMEOUT"))
	j.add(err != nil, "grace", j.worker(), "KAFKA_SESSION_TIMEOUT: %v", err)
	p := j.program
	need := max(p.Drain+session/2, p.Rebalance) + p.IO + 10*time.Second
	given := j.Grace()
	j.add(given < need, "grace", j.worker(),
		"terminationGracePeriodSeconds is %s; max(drain %s + commit %s, join %s) + leaving %s + 10s = %s is needed",
		given, p.Drain, session/2, p.Rebalance, p.IO, need)
	j.add(j.container.Lifecycle != nil, "grace", j.worker(),
		"has a lifecycle hook, which uses up part of the grace period")
}

// Grace returns the worker's grace period.
func (o *Overlay) Grace() time.Duration {
	if s := o.Worker.Spec.Template.Spec.TerminationGracePeriodSeconds; s != nil {
		return time.Duration(*s) * time.Second
	}
	return 0
}

// probes checks that the health probes use a port and paths that the program serves. Liveness and readiness must use
// different paths, because a worker that waits for its first join is not ready, but a restart would not help it.
func (j *judgement) probes() {
	asks := func(name string, p *corev1.Probe) string {
		if p == nil || p.HTTPGet == nil {
			j.add(true, "probes", j.worker(), "has no HTTP %s probe", name)
			return ""
		}
		path := p.HTTPGet.Path
		j.add(!slices.Contains(j.program.Paths, path), "probes", j.worker(),
			"the %s probe requests %q, which the program does not serve", name, path)
		j.add(p.HTTPGet.Port.StrVal != "http", "probes", j.worker(), "the %s probe does not use the port named http", name)
		return path
	}
	live := asks("liveness", j.container.LivenessProbe)
	ready := asks("readiness", j.container.ReadinessProbe)
	startup := asks("startup", j.container.StartupProbe)
	j.add(live == ready, "probes", j.worker(),
		"the liveness and readiness probes request the same path: an outage would restart the workers")
	j.add(startup != live, "probes", j.worker(), "the startup probe and the liveness probe request different paths")
	var pages int32
	for _, p := range j.container.Ports {
		if p.Name == "http" {
			pages = p.ContainerPort
		}
	}
	address := j.setting("HTTP_ADDR")
	_, port, err := net.SplitHostPort(address)
	j.add(err != nil || port != strconv.Itoa(int(pages)), "probes", j.worker(),
		"HTTP_ADDR %q does not use the port named http, which is %d", address, pages)
	for _, m := range contents[*podMonitor](j.Overlay) {
		for _, e := range m.Spec.PodMetricsEndpoints {
			j.add(e.Port != "http" || !slices.Contains(j.program.Paths, e.Path), "probes", label("PodMonitor/"+m.Name),
				"scrapes %s on port %s, which the program does not serve", e.Path, e.Port)
		}
	}
}
