package lint

import (
	"maps"
	"net/url"
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

// secretName is what the name of a variable looks like that holds a secret, and not the path of one.
var secretName = regexp.MustCompile(`(PASSWORD|KEY|SECRET|TOKEN|CREDENTIALS?|HEADERS)$`)

// secrets: they come as files, which are read again when they change, and stand in no variable and no ConfigMap.
func secrets(j *judgement) {
	for _, from := range j.container.EnvFrom {
		j.wrong(from.SecretRef != nil, "takes variables from a Secret; mount it as a folder and set the _FILE setting")
	}
	for _, e := range j.container.Env {
		j.wrong(e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil,
			"takes %s from a Secret; mount it as a folder and set the _FILE setting", e.Name)
	}
	for name, value := range j.settings {
		j.wrong(secretName.MatchString(name), "sets %s in the open; set the _FILE setting", name)
		if u, err := url.Parse(value); err == nil && u.User != nil {
			j.wrong(true, "%s is a URL with a user in it", name)
		}
	}
	for _, o := range j.overlay.all("Secret") {
		j.add(o, "a Secret stands in the manifests; create it with kubectl, or with components/external-secrets")
	}
}

// files: what a setting names is mounted, whole and read-only.
func files(j *judgement) {
	for _, m := range j.container.VolumeMounts {
		j.wrong(m.SubPath != "" || m.SubPathExpr != "", "mounts %s by subPath, which is never updated", m.MountPath)
		v := j.volume(m.Name)
		if v == nil {
			j.wrong(true, "mounts the volume %s, which is not there", m.Name)
			continue
		}
		j.wrong(v.HostPath != nil, "mounts a folder of the node at %s", m.MountPath)
		j.wrong((v.Secret != nil || v.ConfigMap != nil) && !m.ReadOnly, "mounts %s, which could be written", m.MountPath)
		j.wrong(v.ConfigMap != nil && j.configMap(v.ConfigMap.Name) == nil, "mounts ConfigMap/%s, which is not here", name(v.ConfigMap))
	}
	for _, setting := range keysOf(j.settings) {
		file := j.settings[setting]
		if file != "" && (strings.HasSuffix(setting, "_FILE") || path.IsAbs(file)) {
			j.mounted(setting, file)
		}
	}
}

// mounted: the file that a setting names is where it says.
func (j *judgement) mounted(setting, file string) {
	i := slices.IndexFunc(j.container.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == path.Dir(file) })
	if i < 0 {
		j.wrong(true, "%s names %s, and nothing is mounted at %s", setting, file, path.Dir(file))
		return
	}
	if v := j.volume(j.container.VolumeMounts[i].Name); v != nil {
		keys, known := j.keys(v)
		j.wrong(known && !slices.Contains(keys, path.Base(file)), "%s names %s, and the volume %s holds %v", setting, path.Base(file), v.Name, keys)
	}
}

// keys are the files in a volume, as far as the overlay tells: of a ConfigMap, and of a Secret that an ExternalSecret or a
// Certificate makes.
func (j *judgement) keys(v *corev1.Volume) (keys []string, known bool) {
	if v.ConfigMap != nil {
		if m := j.configMap(v.ConfigMap.Name); m != nil {
			return keysOf(m.Data), true
		}
	}
	if v.Secret == nil {
		return nil, false
	}
	for _, o := range j.overlay.Objects {
		var made struct {
			Spec struct {
				SecretName string
				Target     struct{ Name string }
				Data       []struct{ SecretKey string }
			}
		}
		switch {
		case o.kind.Kind == "Certificate" && o.into(&made) == nil && made.Spec.SecretName == v.Secret.SecretName:
			return []string{"ca.crt", "tls.crt", "tls.key"}, true
		case o.kind.Kind == "ExternalSecret" && o.into(&made) == nil && made.Spec.Target.Name == v.Secret.SecretName:
			for _, d := range made.Spec.Data {
				keys = append(keys, d.SecretKey)
			}
			return keys, true
		}
	}
	return nil, false
}

func name(v *corev1.ConfigMapVolumeSource) string {
	if v == nil {
		return ""
	}
	return v.Name
}
