package lint

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// files: what a setting names is mounted, whole and read-only.
func files(j *judgement) {
	for _, m := range j.container.VolumeMounts {
		j.wrong(m.SubPath != "" || m.SubPathExpr != "", "mounts %s by subPath, which is never updated", m.MountPath)
		v := j.volume(m.Name)
		if v == nil {
			j.wrong(true, "mounts the volume %s, which is not there", m.Name)
			continue
		}
		j.wrong(optional(v), "mounts %s, which need not be there: a worker without it would fail later, and say less", m.MountPath)
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

// optional says whether a volume may be empty because what fills it is missing.
func optional(v *corev1.Volume) bool {
	is := func(p *bool) bool { return p != nil && *p }
	if v.Projected != nil {
		return slices.ContainsFunc(v.Projected.Sources, func(s corev1.VolumeProjection) bool {
			return s.Secret != nil && is(s.Secret.Optional) || s.ConfigMap != nil && is(s.ConfigMap.Optional)
		})
	}
	return v.Secret != nil && is(v.Secret.Optional) || v.ConfigMap != nil && is(v.ConfigMap.Optional)
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
	if len(v.Secret.Items) > 0 {
		for _, item := range v.Secret.Items {
			keys = append(keys, item.Path)
		}
		return keys, true
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
