package lint

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// foreign says whether a variable is one that Go's runtime or OpenTelemetry reads: a Deployment may set it beside the settings.
func foreign(name string) bool {
	return slices.Contains([]string{"GOMEMLIMIT", "GOGC", "GOMAXPROCS", "GODEBUG", "GOTRACEBACK", "OTEL_RESOURCE_ATTRIBUTES"}, name) ||
		slices.ContainsFunc([]string{"OTEL_TRACES_SAMPLER", "OTEL_BSP_", "OTEL_SPAN_"}, func(p string) bool { return strings.HasPrefix(name, p) })
}

// settingsOf gathers the worker's environment out of ConfigMaps that are rendered here, and values.
func (j *judgement) settingsOf() map[string]string {
	all := map[string]string{}
	for _, from := range j.container.EnvFrom {
		if from.ConfigMapRef == nil {
			continue
		}
		if m := j.configMap(from.ConfigMapRef.Name); m != nil {
			maps.Copy(all, m.Data)
		}
	}
	for _, e := range j.container.Env {
		all[e.Name] = e.Value
	}
	return all
}

// configMap returns the ConfigMap of that name beside the worker, or nil.
func (j *judgement) configMap(name string) *corev1.ConfigMap {
	if o := j.overlay.find("ConfigMap", j.worker.Namespace, name); o != nil {
		m, _ := o.Typed.(*corev1.ConfigMap)
		return m
	}
	return nil
}

// Environment returns the worker's environment: the settings of its ConfigMap and the values beside them.
func (o *Overlay) Environment() map[string]string {
	j := &judgement{overlay: o, worker: o.worker()}
	if j.worker == nil {
		return nil
	}
	j.container = containerOf(j.worker)
	return j.settingsOf()
}

// Files returns what the worker finds in the ConfigMaps that are mounted, by path.
func (o *Overlay) Files() map[string]string {
	j := &judgement{overlay: o, worker: o.worker()}
	if j.worker == nil {
		return nil
	}
	j.pod, j.container = &j.worker.Spec.Template.Spec, containerOf(j.worker)
	all := map[string]string{}
	for _, mount := range j.container.VolumeMounts {
		v := j.volume(mount.Name)
		if v == nil || v.ConfigMap == nil {
			continue
		}
		if m := j.configMap(v.ConfigMap.Name); m != nil {
			for key, content := range m.Data {
				all[path.Join(mount.MountPath, key)] = content
			}
		}
	}
	return all
}

// hashed is how the name of a generated ConfigMap ends.
var hashed = regexp.MustCompile(`-[0-9a-z]{10}$`)

// settings: each name is one of the program's, each required one is set, and a change rolls the pods.
func settings(j *judgement) {
	for _, from := range j.container.EnvFrom {
		switch ref := from.ConfigMapRef; {
		case ref == nil: // the rule about secrets has its word on it
		case j.configMap(ref.Name) == nil:
			j.wrong(true, "takes its settings from ConfigMap/%s, which is not here", ref.Name)
		case !hashed.MatchString(ref.Name):
			j.wrong(true, "takes its settings from ConfigMap/%s, whose name has no hash: a change would not roll the pods", ref.Name)
		}
		j.wrong(from.ConfigMapRef != nil && from.ConfigMapRef.Optional != nil && *from.ConfigMapRef.Optional,
			"starts without ConfigMap/%s, too: all settings would be defaults", nameOf(from.ConfigMapRef))
		j.wrong(from.Prefix != "", "gives its settings a prefix")
	}
	for _, name := range keysOf(j.settings) {
		_, known := j.program.setting(name)
		j.wrong(!known && !foreign(name), "sets %s, which is no setting of the program", name)
	}
	for _, s := range j.program.Settings {
		j.wrong(s.Required && j.settings[s.Name] == "", "does not set %s, which is required", s.Name)
	}
	j.wrong(j.settings["LEADHIT_API_KEY_FILE"] == "", "does not set LEADHIT_API_KEY_FILE")
	for _, e := range j.container.Env {
		j.wrong(e.ValueFrom != nil && e.ValueFrom.SecretKeyRef == nil, "takes %s from somewhere else than a value", e.Name)
	}
}

func nameOf(ref *corev1.ConfigMapEnvSource) string {
	if ref == nil {
		return ""
	}
	return ref.Name
}
