package lint_test

import "strings"

const (
	pod = "/spec/template/spec"
	// side is a container that breaks no rule, and bad one that breaks most.
	side = `{"name":"side","image":"side:1.0.0","terminationMessagePolicy":"FallbackToLogsOnError",` +
		`"securityContext":{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"]}}}`
	bad = `{"name":"bad","image":"bad:latest","env":[{"name":"K","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}],` +
		`"lifecycle":{"preStop":{"sleep":{"seconds":1}}},"securityContext":{"privileged":true}}`
)

func hardeningViolations() []violation {
	beside := func(old, fault string) string { return add(pod+"/containers/-", strings.Replace(side, old, fault, 1)) }
	return []violation{
		{name: "a version that moves", rule: "image", want: "1.2.3-latest", overlay: minimal, object: worker, patch: replace(container+"/image", `"leadhit-sync:1.2.3-latest"`)},
		{name: "an image that is never pulled", rule: "image", want: "never pulled", overlay: minimal, object: worker, patch: replace(container+"/imagePullPolicy", `"Never"`)},
		{name: "an image that moves beside the worker", rule: "image", want: "container side", overlay: minimal, object: worker, patch: beside("side:1.0.0", "side:edge")},
		{name: "another command", rule: "command", want: "want the image's own", overlay: minimal, object: worker, patch: add(container+"/command", `["/bin/sh"]`)},
		{name: "another argument", rule: "command", want: "want [run]", overlay: minimal, object: worker, patch: replace(container+"/args", `["status"]`)},
		{name: "no argument", rule: "command", want: "want [run]", overlay: minimal, object: worker, patch: remove(container + "/args")},

		{name: "a privileged container that runs first", rule: "pod-security", want: "privileged", overlay: minimal, object: worker, patch: add(pod+"/initContainers", "["+bad+"]")},
		{name: "a container of another user", rule: "hardening", want: "container worker runs as another user", overlay: minimal, object: worker, patch: add(container+"/securityContext/runAsUser", "1000")},
		{name: "a container of another group", rule: "hardening", want: "container worker runs as another user", overlay: minimal, object: worker, patch: add(container+"/securityContext/runAsGroup", "1000")},
		{name: "a root that can be written beside the worker", rule: "hardening", want: "container side: the root", overlay: minimal, object: worker, patch: beside(`"readOnlyRootFilesystem":true,`, "")},
		{name: "a root that can be written first", rule: "hardening", want: "container bad: the root", overlay: minimal, object: worker, patch: add(pod+"/initContainers", "["+bad+"]")},
		{name: "a node by its name", rule: "hardening", want: "names the node n1", overlay: minimal, object: worker, patch: add(pod+"/nodeName", `"n1"`)},
		{name: "processes in common", rule: "hardening", want: "share their processes", overlay: minimal, object: worker, patch: add(pod+"/shareProcessNamespace", "true")},
		{name: "a token in a volume", rule: "token", want: "the volume t holds a token", overlay: minimal, object: worker, patch: add(pod+"/volumes/-", `{"name":"t","projected":{"sources":[{"serviceAccountToken":{"path":"token"}}]}}`)},

		{name: "a sleep before the end beside the worker", rule: "grace", want: "container bad has a preStop", overlay: minimal, object: worker, patch: add(pod+"/containers/-", bad)},
		{name: "something after the start", rule: "grace", want: "postStart", overlay: minimal, object: worker, patch: add(container+"/lifecycle", `{"postStart":{"exec":{"command":["/leadhit-sync"]}}}`)},
		{name: "a probe with its own grace", rule: "probes", want: "grace period of its own", overlay: minimal, object: worker, patch: add(container+"/livenessProbe/terminationGracePeriodSeconds", "5")},
		{name: "a liveness that is in a hurry", rule: "probes", want: "liveness probe gives up after 3 tries within 15 s", overlay: minimal, object: worker, patch: replace(container+"/livenessProbe/periodSeconds", "5")},
		{name: "a liveness with one try", rule: "probes", want: "after 1 tries", overlay: minimal, object: worker, patch: replace(container+"/livenessProbe", `{"httpGet":{"path":"/livez","port":"http"},"periodSeconds":60,"timeoutSeconds":5,"failureThreshold":1}`)},
		{name: "a liveness that waits for one second", rule: "probes", want: "waits 1 s", overlay: minimal, object: worker, patch: remove(container + "/livenessProbe/timeoutSeconds")},
		{name: "a start that must be quick", rule: "probes", want: "startup probe gives up", overlay: minimal, object: worker, patch: replace(container+"/startupProbe/failureThreshold", "10")},
	}
}

// templateViolations stand in other objects than the worker's Deployment: each kind that makes pods is judged.
func templateViolations() []violation {
	made := func(kind, version, spec string) string {
		return `{"apiVersion":"` + version + `","kind":"` + kind + `","metadata":{"name":"x","namespace":"leadhit-sync"},"spec":` + spec + `}`
	}
	const template = `{"metadata":{"labels":{"a":"b"}},"spec":{"restartPolicy":"Never","containers":[` + bad + `]}}`
	const selected = `{"selector":{"matchLabels":{"a":"b"}},"template":` + template
	objects := map[string]string{
		"Deployment":  made("Deployment", "apps/v1", selected+"}"),
		"StatefulSet": made("StatefulSet", "apps/v1", selected+`,"serviceName":"x"}`),
		"DaemonSet":   made("DaemonSet", "apps/v1", selected+"}"),
		"Job":         made("Job", "batch/v1", `{"template":`+template+"}"),
		"CronJob":     made("CronJob", "batch/v1", `{"schedule":"0 0 * * *","jobTemplate":{"spec":{"template":`+template+"}}}"),
		"Pod":         made("Pod", "v1", `{"containers":[`+bad+"]}"),
	}
	var all []violation
	for kind, object := range objects {
		for rule, want := range map[string]string{
			"pod-security": "privileged", "image": "bad:latest", "hardening": "container bad", "token": "gets a token",
			"grace": "container bad has a preStop", "secrets": "container bad takes K",
		} {
			all = append(all, violation{name: "a bad " + kind, rule: rule, want: kind + "/x: ", overlay: minimal, add: object})
			all = append(all, violation{name: "a bad " + kind + ", in words", rule: rule, want: want, overlay: minimal, add: object})
		}
	}
	return append(all,
		violation{name: "rights in the cluster", rule: "kinds", want: "ClusterRole", overlay: minimal, add: `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"x"}}`},
		violation{name: "a door", rule: "kinds", want: "Ingress", overlay: minimal, add: `{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"x"}}`},
		violation{name: "an older way to make pods", rule: "kinds", want: "ReplicationController", overlay: minimal, add: `{"apiVersion":"v1","kind":"ReplicationController","metadata":{"name":"x"}}`},
	)
}

func secretViolations() []violation {
	configMap := func(key, value string) string {
		return `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","namespace":"leadhit-sync"},"data":{"` + key + `":"` + value + `"}}`
	}
	return []violation{
		{name: "a key in another ConfigMap", rule: "secrets", want: "holds LEADHIT_API_KEY", overlay: minimal, add: configMap("LEADHIT_API_KEY", "k")},
		{name: "a key's file in a ConfigMap", rule: "secrets", want: "holds api-key", overlay: minimal, add: configMap("api-key", "k")},
		{name: "a password's file in a ConfigMap", rule: "secrets", want: "holds pw", overlay: minimal, object: "ConfigMap/leadhit-sync", patch: add("/data/KAFKA_SASL_PASSWORD_FILE", `"/etc/leadhit-sync/key/pw"`), add: configMap("pw", "k")},
		{name: "a private key in a ConfigMap", rule: "secrets", want: "holds client.pem", overlay: minimal, add: configMap("client.pem", "-----BEGIN PRIVATE KEY-----")},
		{name: "a key that need not be there", rule: "files", want: "need not be there", overlay: minimal, object: worker, patch: add(pod+"/volumes/0/secret/optional", "true")},
		{name: "a projected key that need not be there", rule: "files", want: "need not be there", overlay: minimal, object: worker, patch: replace(pod+"/volumes/0", `{"name":"key","projected":{"sources":[{"secret":{"name":"leadhit-sync","optional":true}}]}}`)},
		{name: "settings that need not be there", rule: "settings", want: "starts without", overlay: minimal, object: worker, patch: add(container+"/envFrom/0/configMapRef/optional", "true")},
		{name: "a file that the Secret's items leave out", rule: "files", want: "names ca.crt, and the volume kafka-ca holds [ca.pem]", overlay: production, object: worker, patch: replace(pod+"/volumes/3/secret/items/0/path", `"ca.pem"`)},
	}
}
