package container

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// object is a part of config.json, in the form of the OCI runtime specification.
type object = map[string]any

// spec returns the container's config.json. It grants nothing that the Deployment in deploy/base does not.
func (i *Image) spec(o Options, id string) ([]byte, error) {
	var uid, gid int
	if _, err := fmt.Sscanf(i.Config.User, "%d:%d", &uid, &gid); err != nil {
		return nil, fmt.Errorf("the image's user %q is not uid:gid: %w", i.Config.User, err)
	}
	// The names are sorted, so that two runs with the same options have the same config.json.
	environment := slices.Clone(i.Config.Env)
	for _, name := range slices.Sorted(maps.Keys(o.Settings)) {
		environment = append(environment, name+"="+o.Settings[name])
	}
	mounts := []object{
		{"destination": "/proc", "type": "proc", "source": "proc", "options": []string{"nosuid", "noexec", "nodev"}},
	}
	for _, place := range slices.Sorted(maps.Keys(o.Mounts)) {
		mounts = append(mounts, object{
			"destination": place, "type": "bind", "source": o.Mounts[place],
			"options": []string{"rbind", "ro", "nosuid", "noexec", "nodev"},
		})
	}
	none := []string{}
	return json.Marshal(object{
		"ociVersion": "1.0.2",
		"root":       object{"path": "rootfs", "readonly": true},
		"mounts":     mounts,
		"process": object{
			"terminal": false, "cwd": i.Config.WorkingDir,
			"user": object{"uid": uid, "gid": gid}, "env": environment,
			"args": slices.Concat(i.Config.Entrypoint, i.Config.Cmd),
			// This is allowPrivilegeEscalation: false in the Deployment.
			"noNewPrivileges": true,
			"capabilities": object{
				"bounding": none, "effective": none, "inheritable": none, "permitted": none, "ambient": none,
			},
		},
		"linux": object{
			"cgroupsPath": "/" + id,
			// There is no network namespace, because Kafka and LeadHit listen on the host's 127.0.0.1.
			"namespaces":    []object{{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}},
			"resources":     object{"memory": object{"limit": o.Memory}},
			"maskedPaths":   []string{"/proc/kcore", "/proc/keys", "/proc/timer_list"},
			"readonlyPaths": []string{"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"},
		},
	})
}
