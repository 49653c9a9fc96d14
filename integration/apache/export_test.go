package apache

import (
	"context"
	"syscall"
)

// ErrAbsent indicates that Java or Maven is missing.
var ErrAbsent = errAbsent

// Properties returns the settings of one node of a cluster. Each node uses two of the ports.
func Properties(ports []int, id int, extra map[string]string) string {
	return layout{ports: ports, extra: extra}.properties(id, "/data")
}

// PropertiesWith is like Properties, but with listeners and authorization.
func PropertiesWith(ports []int, id int, listeners ...Listener) string {
	return layout{ports: ports, listeners: listeners, extra: authorizing(nil)}.properties(id, "/data")
}

// FetchInto fetches Kafka into the given cache folder.
func FetchInto(ctx context.Context, cache string) (string, error) {
	return fetchInto(ctx, release{version: Version, scala: "2.13"}, cache)
}

// Release describes what a version of Kafka needs to run.
type Release struct {
	Jar, POM, Log4j string
	ZooKeeper       bool
}

// ReleaseOf returns what a version of Kafka needs to run.
func ReleaseOf(version string) (Release, error) {
	r, err := releaseOf(version)
	if err != nil {
		return Release{}, err
	}
	return Release{Jar: r.jar(), POM: r.pom(), Log4j: r.log4j, ZooKeeper: r.zooKeeper}, nil
}

// Process is a Java process.
type Process struct{ *process }

// NewProcess returns a process that has not been started.
func NewProcess(dir, jars string) Process {
	r := release{log4j: "log4j.configuration=file:" + logSettings}
	return Process{&process{name: "kafka", dir: dir, log: dir + "/log", release: r, jars: jars}}
}

// Start starts the process.
func (p Process) Start(arguments ...string) error { return p.start(arguments...) }

// Kill kills the process.
func (p Process) Kill() error { return p.kill() }

// Signal sends a signal to the process.
func (p Process) Signal(signal syscall.Signal) error { return p.signal(signal) }

// Running reports whether the process is running.
func (p Process) Running() (bool, error) { return p.running() }

// Log returns the path of the file with the process's output.
func (p Process) Log() string { return p.log }
