package lint

import (
	"maps"
	"net/netip"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Desk returns the environment and the command line of the container named desk, or nil if the overlay has none.
func (o *Overlay) Desk() (environment map[string]string, arguments []string) {
	_, c := o.desk()
	if c == nil {
		return nil, nil
	}
	return o.environment(c), c.Args
}

func (o *Overlay) desk() (*appsv1.Deployment, *corev1.Container) {
	for _, d := range contents[*appsv1.Deployment](o) {
		for i, c := range d.Spec.Template.Spec.Containers {
			if c.Name == "desk" {
				return d, &d.Spec.Template.Spec.Containers[i]
			}
		}
	}
	return nil, nil
}

// oneDesk checks that the desk is one pod with the worker's image and the program's settings, and that only people who
// have logged in can reach it over the network.
func (j *judgement) oneDesk() {
	d, c := j.desk()
	if c == nil {
		return
	}
	about := label("Deployment/" + d.Name)
	j.add(d.Spec.Replicas == nil || *d.Spec.Replicas != 1, "desk", about,
		"must have one replica: a replay belongs to the process that carries it out")
	j.add(c.Image != j.container.Image, "desk", about,
		"runs the image %s, but the worker runs %s", c.Image, j.container.Image)
	for _, from := range c.EnvFrom {
		j.add(from.SecretRef != nil, "desk", about,
			"takes variables from a Secret; mount it as a volume and set the _FILE setting")
		j.add(from.ConfigMapRef != nil && j.configMap(from.ConfigMapRef) == nil, "desk", about,
			"takes its settings from a ConfigMap that is not in the manifests")
	}
	for _, e := range c.Env {
		_, known := j.program.setting(e.Name)
		j.add(!known && !foreign.MatchString(e.Name), "desk", about, "sets %s, which is not a setting of the program", e.Name)
		j.add(e.ValueFrom != nil, "desk", about,
			"sets %s with valueFrom; mount a Secret as a volume and set the _FILE setting", e.Name)
	}
	environment := j.environment(c)
	address, err := netip.ParseAddrPort(environment["DESK_ADDR"])
	j.add((err != nil || !address.Addr().IsLoopback()) && environment["DESK_TOKEN_FILE"] == "", "desk", about,
		"listens on %q: without DESK_TOKEN_FILE, anybody who reaches it can read letters and claim to be any user",
		environment["DESK_ADDR"])
}

// environment returns a container's environment: the settings in its ConfigMaps and the values set in the container.
func (o *Overlay) environment(c *corev1.Container) map[string]string {
	all := map[string]string{}
	for _, from := range c.EnvFrom {
		if m := o.configMap(from.ConfigMapRef); m != nil {
			maps.Copy(all, m.Data)
		}
	}
	for _, e := range c.Env {
		all[e.Name] = e.Value
	}
	return all
}
