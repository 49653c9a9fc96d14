package lint

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// imageUser is the user and the group of the image.
const imageUser = int64(65532)

// hardening: what "restricted" leaves open.
func hardening(j *judgement) {
	for _, t := range j.templates() {
		j.hardPod(t)
		for _, c := range t.containers() {
			j.hardContainer(t, &c)
		}
	}
	j.scratch()
}

func (j *judgement) hardPod(t template) {
	s := t.pod.SecurityContext
	if s == nil || s.RunAsUser == nil || *s.RunAsUser != imageUser || s.RunAsGroup == nil || *s.RunAsGroup != imageUser {
		j.add(t, "runs as another user or group than 65532, the image's")
	}
	if s == nil || s.FSGroup == nil || *s.FSGroup != imageUser {
		j.add(t, "lacks fsGroup 65532, so its containers could not read their Secrets")
	}
	if t.pod.NodeName != "" {
		j.add(t, "names the node %s: the scheduler is passed by", t.pod.NodeName)
	}
	if p := t.pod.ShareProcessNamespace; p != nil && *p {
		j.add(t, "its containers share their processes, and so the files behind them")
	}
}

func (j *judgement) hardContainer(t template, c *corev1.Container) {
	s := c.SecurityContext
	if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
		j.add(t, "container %s: the root file system can be written", c.Name)
	}
	if s != nil && (s.RunAsUser != nil && *s.RunAsUser != imageUser || s.RunAsGroup != nil && *s.RunAsGroup != imageUser) {
		j.add(t, "container %s runs as another user or group than 65532, the image's", c.Name)
	}
	if c.TerminationMessagePolicy != corev1.TerminationMessageFallbackToLogsOnError {
		j.add(t, "container %s: terminationMessagePolicy is not FallbackToLogsOnError: a crash would say nothing in the pod's status", c.Name)
	}
}

// scratch: the worker writes no file and has no volume that a drain of its node would have to delete.
func (j *judgement) scratch() {
	for _, v := range j.pod.Volumes {
		j.wrong(v.EmptyDir != nil, "has the emptyDir %s: kubectl drain would ask for --delete-emptydir-data", v.Name)
	}
}

func (j *judgement) volume(name string) *corev1.Volume {
	if i := slices.IndexFunc(j.pod.Volumes, func(v corev1.Volume) bool { return v.Name == name }); i >= 0 {
		return &j.pod.Volumes[i]
	}
	return nil
}
