package lint

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// secretName is what the name of a variable looks like that holds a secret, and not the path of one.
var secretName = regexp.MustCompile(`(PASSWORD|KEY|SECRET|TOKEN|CREDENTIALS?|HEADERS)$`)

// secrets: they come as files, which are read again when they change, and stand in no variable and no ConfigMap.
func secrets(j *judgement) {
	for _, t := range j.templates() {
		for _, c := range t.containers() {
			j.secretVariables(t, &c)
		}
	}
	for name, value := range j.settings {
		j.wrong(secretName.MatchString(name), "sets %s in the open; set the _FILE setting", name)
		if u, err := url.Parse(value); err == nil && u.User != nil {
			j.wrong(true, "%s is a URL with a user in it", name)
		}
	}
	for _, o := range j.overlay.all("ConfigMap") {
		j.secretData(o)
	}
	for _, o := range j.overlay.all("Secret") {
		j.add(o, "a Secret stands in the manifests; create it with kubectl, or with components/external-secrets")
	}
}

func (j *judgement) secretVariables(t template, c *corev1.Container) {
	for _, from := range c.EnvFrom {
		if from.SecretRef != nil {
			j.add(t, "container %s takes variables from a Secret; mount it as a folder and set the _FILE setting", c.Name)
		}
	}
	for _, e := range c.Env {
		if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
			j.add(t, "container %s takes %s from a Secret; mount it as a folder and set the _FILE setting", c.Name, e.Name)
		}
	}
}

// secretData: no key of a ConfigMap is called as a secret is, or as the file of one, and no value is a private key.
func (j *judgement) secretData(o *Object) {
	m, ok := o.Typed.(*corev1.ConfigMap)
	if !ok {
		return
	}
	for _, key := range slices.Concat(keysOf(m.Data), keysOf(m.BinaryData)) {
		text := m.Data[key] + string(m.BinaryData[key])
		if secretName.MatchString(key) || slices.Contains(j.secretFiles(), key) || strings.Contains(text, "PRIVATE KEY-----") {
			j.add(o, "holds %s, which is a secret's name or content; a ConfigMap is no place for it", key)
		}
	}
}

// secretFiles are the names of the files that hold secrets: api-key, tls.key, password.
func (j *judgement) secretFiles() []string {
	names := []string{"api-key", "password", "tls.key"}
	for setting, file := range j.settings {
		if of, isFile := strings.CutSuffix(setting, "_FILE"); isFile && secretName.MatchString(of) {
			names = append(names, path.Base(file))
		}
	}
	return names
}
