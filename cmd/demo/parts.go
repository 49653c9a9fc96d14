package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/leadhit/sandbox"
)

const (
	topic      = "orders"
	partitions = 6
	group      = "leadhit-sync"
	letters    = "dlq." + group

	// callsInFlight is enough for two to three times the default rate, so a backlog lasts a few seconds and can be
	// seen.
	callsInFlight = 16
	defaultRate   = 60
	maxRate       = 2000

	callTimeout = time.Second
	startLimit  = 30 * time.Second
)

// parts are the worker and what surrounds it in a real installation. Only the worker is the product; real servers can
// replace the rest without a change to the worker.
type parts struct {
	kafka   *kfake.Cluster
	leadhit *sandbox.Sandbox
	server  *http.Server
	served  chan struct{} // closed when the server has stopped
	keys    *keys
	logs    *logbook
	worker  *worker.Worker

	environment map[string]string // the worker's settings
	settings    *config.Config    // the same, parsed

	folder string // for the key's file, the exports and the worker's log
	log    *os.File
}

// setUp opens all parts in the order of their dependencies: the key's file before the settings that name it, the
// settings before the worker. After an error it closes the parts that are open. It does not start the worker. The ports
// of Kafka and LeadHit are taken here, so a port that is in use is reported before anything is printed.
func setUp(ctx context.Context, o options) (_ *parts, err error) {
	p := &parts{logs: newLogbook()}
	defer func() {
		if err != nil {
			p.close()
			p.removeFiles()
		}
	}()
	if p.folder, err = os.MkdirTemp("", "leadhit-sync-demo-"); err != nil {
		return nil, err
	}
	// Six partitions let several lanes run at once. One broker is enough, because no broker fails in the demo.
	if p.kafka, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(o.kafkaPort),
		kfake.SeedTopics(partitions, topic)); err != nil {
		return nil, fmt.Errorf("embedded Kafka: %w", err)
	}
	url, err := p.serveLeadHit(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("LeadHit look-alike: %w", err)
	}
	p.keys = &keys{file: filepath.Join(p.folder, "api-key"), leadhit: p.leadhit}
	// The key must be in its file before the settings are read, because a missing file is a mistake in the settings.
	p.keys.rotate()
	if err = p.keys.hand(); err != nil {
		return nil, err
	}
	if p.log, err = os.Create(p.logFile()); err != nil {
		return nil, err
	}
	p.environment = p.variables(o, url)
	if p.settings, err = load(p.environment); err != nil {
		return nil, err
	}
	// The file gets each line as JSON, so that the cause can be found if the records that the summary compares
	// disagree. The logbook gets the same lines for the screen.
	log := slog.New(slog.NewMultiHandler(slog.NewJSONHandler(p.log, nil), p.logs))
	p.worker, err = worker.Open(p.settings, "demo", log)
	return p, err
}

// serveLeadHit serves the look-alike over real HTTP, so that the worker's own client, its timeouts and its handling of
// broken responses are part of the demo. The close method ends the server's goroutine and waits for it. The server has
// no write timeout, because slow responses are one of the faults.
func (p *parts) serveLeadHit(ctx context.Context, o options) (url string, err error) {
	p.leadhit = sandbox.New(sandbox.Options{Seed: o.seed})
	p.server = &http.Server{Handler: p.leadhit, ReadHeaderTimeout: callTimeout}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", local(o.leadhitPort))
	if err != nil {
		return "", err
	}
	p.served = make(chan struct{})
	go func() {
		defer close(p.served)
		_ = p.server.Serve(listener) // until close
	}()
	return "http://" + listener.Addr().String() + "/api/v1/orders/", nil
}

// local returns an address on this machine.
func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// variables returns the settings that the demo gives the worker. All other settings keep the binary's defaults, because
// the demo shows the worker as it is. More events per second need more calls in flight, or the backlog that a pause
// leaves would not shrink.
func (p *parts) variables(o options, url string) map[string]string {
	return map[string]string{
		"KAFKA_BROKERS":        p.kafka.ListenAddrs()[0],
		"KAFKA_TOPICS":         topic,
		"KAFKA_GROUP":          group,
		"DEAD_LETTER_TOPIC":    letters,
		"LEADHIT_URL":          url,
		"LEADHIT_API_KEY_FILE": p.keys.file,
		"LEADHIT_TIMEOUT":      callTimeout.String(),
		"CALLS_IN_FLIGHT":      strconv.Itoa(max(callsInFlight, callsInFlight*o.rate/defaultRate)),
		// Short waits, because faults last only a few seconds.
		"RETRY_INITIAL": "300ms",
		"RETRY_MAX":     "2s",
		"HTTP_ADDR":     local(o.httpPort),
	}
}

// load replaces all settings in the environment, so that none from the shell, such as KAFKA_SASL_MECHANISM, applies to
// the demo. Then it reads the settings as the binary does. It changes the environment of the whole process.
func load(environment map[string]string) (*config.Config, error) {
	for _, v := range config.Variables() {
		if err := os.Unsetenv(v.Name); err != nil {
			return nil, err
		}
	}
	for name, value := range environment {
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	return config.Load()
}

// exports returns shell lines that make leadhit-sync's commands reach the running demo from another terminal. The lines
// name the key's file instead of the key, so the shell's history contains no secret.
func (p *parts) exports(address string) []string {
	in := func(names ...string) string {
		words := []string{"export"}
		for _, name := range names {
			value := p.environment[name]
			if name == "HTTP_ADDR" { // the port that the worker got
				value = address
			}
			words = append(words, name+"="+value)
		}
		return strings.Join(words, " ")
	}
	return []string{
		in("KAFKA_BROKERS", "KAFKA_TOPICS", "KAFKA_GROUP", "DEAD_LETTER_TOPIC"),
		in("HTTP_ADDR", "LEADHIT_URL"),
		in("LEADHIT_API_KEY_FILE"),
	}
}

var errNotBegun = errors.New("ended during startup")

// ready waits until the running worker has joined the group, and returns the address of its pages. It requests /readyz
// as Kubernetes does, so the story starts with a worker that has joined.
func (p *parts) ready(ctx context.Context, r *running) (address string, err error) {
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return "", errNotBegun
		// The worker ended on its own; the caller adds the worker's error.
		case <-r.done:
			return "", errStopped
		case <-limit.C:
			return "", fmt.Errorf("the worker did not join the group within %v", startLimit)
		case <-look.C:
		}
		if address = p.logs.address(); address != "" && isReady(ctx, address) {
			return address, nil
		}
	}
}

func isReady(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// committed returns the group's committed offset for each partition, as the broker reports it, because the worker's own
// count would prove nothing.
func (p *parts) committed() map[int]int64 {
	offsets := make(map[int]int64)
	if info := p.kafka.GroupInfo(group); info != nil {
		for partition, commit := range info.Commits[topic] {
			offsets[int(partition)] = commit.Offset
		}
	}
	return offsets
}

// ends returns the log end of each partition, as the broker reports it, independently of the shop.
func (p *parts) ends() map[int]int64 {
	offsets := make(map[int]int64)
	for partition := range partitions {
		if info := p.kafka.PartitionInfo(topic, int32(partition)); info != nil {
			offsets[partition] = info.HighWatermark
		}
	}
	return offsets
}

func (p *parts) logFile() string { return filepath.Join(p.folder, "worker.log") }

func (p *parts) exportsFile() string { return filepath.Join(p.folder, "exports") }

// close closes what setUp opened, but does not delete the files. The worker comes first, because it uses the other
// parts. The server is closed at once, without waiting for requests, because no worker is left to read a response.
func (p *parts) close() {
	if p.worker != nil {
		p.worker.Close()
	}
	if p.served != nil {
		_ = p.server.Close()
		<-p.served
	}
	if p.kafka != nil {
		p.kafka.Close()
	}
	if p.log != nil {
		_ = p.log.Close()
	}
}

// removeFiles deletes the demo's folder. It is not called after a finding, because then the worker's log is needed.
func (p *parts) removeFiles() { _ = os.RemoveAll(p.folder) }

// keys holds the key that LeadHit accepts, and the file from which the worker reads its key.
type keys struct {
	file    string
	leadhit *sandbox.Sandbox
	current string
	count   int
}

// rotate makes LeadHit accept a new key from now on, and only that key.
func (k *keys) rotate() {
	k.count++
	k.current = fmt.Sprintf("demo-key-%d", k.count)
	k.leadhit.SetKey(k.current)
}

// hand writes LeadHit's current key to the worker's key file. It renames a complete file over the old one, so that the
// worker never reads half a key. A rename within a folder is atomic (POSIX rename).
func (k *keys) hand() error {
	next := k.file + ".next"
	if err := os.WriteFile(next, []byte(k.current+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(next, k.file)
}
