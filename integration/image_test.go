package integration_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/audit"
	"leadhit-sync/integration/container"
	"leadhit-sync/integration/shop"
	"leadhit-sync/leadhit/sandbox"
)

const (
	imageMemory  = 64 << 20
	imageFetched = 25 << 20 // the most that a node may have to fetch, in bytes
	// drainLatency is the latency of calls when SIGTERM arrives, so that calls are in flight and the drain must wait for
	// them. drainLimit is well below the grace period of 60 s in deploy.
	drainLatency = 500 * time.Millisecond
	drainLimit   = 20 * time.Second
	// keyFolder is where the container finds the key.
	keyFolder = "/run/secrets/leadhit"
	// noCapability is how Linux shows an empty set of capabilities.
	noCapability = "0000000000000000"
)

// TestImage is the image's contract: what `make image` builds, started under runc with as few privileges as possible,
// does the worker's whole job.
func TestImage(t *testing.T) {
	if err := container.Available(); err != nil {
		leaveOut(t, "no container was started (Debian's package runc): %v", err)
	}
	image, err := container.Unpack(makeImage(t), runtime.GOARCH, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("it contains one program and the user who runs it", func(t *testing.T) { testImageHolds(t, image) })

	s := &suite{emitted: t.TempDir(), keys: t.TempDir(), canary: "canary-" + rand.Text(), secrets: &secrets{}}
	r := s.newRun(t, oneNode(t), 3, sandbox.Faults{Latency: 20 * time.Millisecond})
	if err := os.Chmod(r.keyFile, 0o644); err != nil { // as a Secret is mounted for a user who is not root
		t.Fatal(err)
	}
	w := r.newWorker(t)
	orders := shop.NewOrders("order", 500, 1)
	var events []audit.Event
	for i := range 3000 {
		if i%100 == 99 {
			events = append(events, orders.Refused())
			continue
		}
		events = append(events, orders.Next())
	}
	r.write(t, events)
	c := w.startIn(t, image)
	t.Run("it has no rights that it does not need", func(t *testing.T) { testRights(t, c) })
	r.finish(t, 2*time.Minute)
	t.Run("it responds to probes from within", func(t *testing.T) { testProbes(t, w, c) })
	t.Run("it knows time zones", func(t *testing.T) { testTimeZones(t, c) })

	r.leadhit.Change(func(f *sandbox.Faults) { f.Latency = drainLatency })
	stream := r.stream(t, 200, orders.Next)
	w.calling(t, int64(len(events)+100))
	took := w.stop(t)
	stream()
	r.leadhit.Change(func(f *sandbox.Faults) { f.Latency = 20 * time.Millisecond })
	t.Logf("stopped under load in %.1f s", took.Seconds())
	if took < drainLatency/2 || took > drainLimit {
		t.Errorf("got a stop after %v, want one that waits for calls in flight of %v, and takes at most %v", took, drainLatency, drainLimit)
	}
	w.startIn(t, image)
	r.finish(t, 2*time.Minute)
	w.stop(t)
	if report := r.audit(t); report.Repeats != 0 {
		t.Errorf("got %d repeated calls without a crash, want none", report.Repeats)
	}
	t.Run("the key appears nowhere", s.testEmitted)
}

// makeImage builds the layout as `make image` does, or returns the one that IMAGE names.
func makeImage(t *testing.T) string {
	t.Helper()
	if layout := os.Getenv("IMAGE"); layout != "" {
		return layout
	}
	gomod, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	root, layout := filepath.Dir(string(gomod)), filepath.Join(t.TempDir(), "image")
	begin := time.Now()
	cmd := exec.CommandContext(t.Context(), "go", "run", ".", "-root", root, "-out", layout)
	cmd.Dir = filepath.Join(root, "deploy", "image", "mkimage")
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("mkimage: %v: %s", err, output)
	}
	t.Logf("mkimage took %.1f s:\n%s", time.Since(begin).Seconds(), output)
	return layout
}

func testImageHolds(t *testing.T, image *container.Image) {
	t.Helper()
	want := map[string]fs.FileMode{
		"etc": fs.ModeDir | 0o755, "etc/group": 0o644, "etc/passwd": 0o644, "leadhit-sync": 0o755,
		"tmp": fs.ModeDir | fs.ModeSticky | 0o777,
	}
	if !maps.Equal(image.Files, want) {
		t.Errorf("got %v, want %v", image.Files, want)
	}
	if image.Compressed > imageFetched {
		t.Errorf("got %d bytes to fetch, want at most %d", image.Compressed, imageFetched)
	}
	c := image.Config
	if c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/leadhit-sync"}) || !slices.Equal(c.Cmd, []string{"run"}) {
		t.Errorf("got user %s, %q %q, want 65532 to run /leadhit-sync", c.User, c.Entrypoint, c.Cmd)
	}
	if c.Labels["org.opencontainers.image.version"] == "" || c.Labels["org.opencontainers.image.licenses"] != "Apache-2.0" {
		t.Errorf("got labels %v, want version and licence", c.Labels)
	}
}

// startIn starts the worker in a container, which ends no later than the test.
func (w *worker) startIn(tb testing.TB, image *container.Image) *container.Container {
	tb.Helper()
	settings := map[string]string{
		"KAFKA_BROKERS":        strings.Join(w.run.broker.addrs, ","),
		"KAFKA_TOPICS":         w.run.topic,
		"KAFKA_GROUP":          w.run.group,
		"LEADHIT_URL":          w.url,
		"LEADHIT_API_KEY_FILE": keyFolder + "/" + filepath.Base(w.run.keyFile),
		"HTTP_ADDR":            "127.0.0.1:0",
		"GOMEMLIMIT":           "57MiB", // nine tenths of the container's limit
		"TZ":                   "Europe/Moscow",
	}
	c, err := image.Start(container.Options{
		Settings: settings, Mounts: map[string]string{keyFolder: filepath.Dir(w.run.keyFile)}, Memory: imageMemory, Dir: w.run.emitted,
	})
	if err != nil {
		tb.Fatal(err)
	}
	w.Program = c.Program
	w.door.calls.Store(0)
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the container's last output:\n%s", lastOf(c.Stdout()+c.Stderr(), 20))
		}
		if err := c.Delete(context.WithoutCancel(tb.Context())); err != nil {
			tb.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(tb.Context(), 20*time.Second)
	defer cancel()
	if _, err := c.Line(ctx, "listening", nil); err != nil {
		tb.Fatal(err)
	}
	return c
}

// testRights checks the worker's process from the host: its privileges, its mounts and its memory limit. It also
// requires that the container has no shell.
func testRights(t *testing.T, c *container.Container) {
	t.Helper()
	pid, err := c.Init(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	proc := os.DirFS(fmt.Sprintf("/proc/%d", pid))
	read := func(name string) string {
		t.Helper()
		text, err := fs.ReadFile(proc, name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	want := map[string]string{
		"Uid": "65532\t65532\t65532\t65532", "Gid": "65532\t65532\t65532\t65532", "Groups": "", "NoNewPrivs": "1",
		"CapInh": noCapability, "CapPrm": noCapability, "CapEff": noCapability, "CapBnd": noCapability, "CapAmb": noCapability,
	}
	for line := range strings.SplitSeq(read("status"), "\n") {
		name, value, _ := strings.Cut(line, ":")
		if wanted, asked := want[name]; asked && strings.TrimSpace(value) != wanted {
			t.Errorf("got %s %q, want %q", name, strings.TrimSpace(value), wanted)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("got nothing in the process's status about %v", want)
	}
	for line := range strings.SplitSeq(read("mountinfo"), "\n") {
		// 36 35 98:0 /source /mount/point ro,noatime - ext4 …
		if fields := strings.Fields(line); len(fields) > 5 && !slices.Contains(strings.Split(fields[5], ","), "ro") &&
			fields[4] != "/proc" && !strings.HasPrefix(fields[4], "/proc/") {
			t.Errorf("got %s, want it read-only", line)
		}
	}
	if limit := memoryLimit(t, read("cgroup")); limit != strconv.Itoa(imageMemory) {
		t.Errorf("got a memory limit of %s bytes, want %d", limit, imageMemory)
	}
	if code, said, err := c.Exec(t.Context(), "/bin/sh", "-c", "exit 0"); err != nil || code == 0 || !strings.Contains(said, "no such file") {
		t.Errorf("got exit code %d, %v and %q from /bin/sh, want no such file", code, err, said)
	}
}

// memoryLimit returns the memory limit of a process from its cgroups, version 1 or 2.
func memoryLimit(t *testing.T, cgroups string) string {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSpace(cgroups), "\n") {
		parts := strings.SplitN(line, ":", 3)
		for _, file := range []string{"/sys/fs/cgroup/memory" + parts[2] + "/memory.limit_in_bytes", "/sys/fs/cgroup" + parts[2] + "/memory.max"} {
			text, err := os.ReadFile(file)
			if err == nil && (parts[1] == "memory" || parts[1] == "") {
				return strings.TrimSpace(string(text))
			}
		}
	}
	return "none found in " + cgroups
}

// testProbes requests the worker's pages from within the container, as a probe does if the kubelet cannot reach them.
func testProbes(t *testing.T, w *worker, c *container.Container) {
	t.Helper()
	line, err := c.Line(t.Context(), "listening", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, ready := w.page(t, "/readyz")
	for _, probe := range []struct {
		page, want string
		code       int
	}{{"/readyz", ready, 0}, {"/livez", "alive\n", 0}, {"/nothing", "HTTP 404", 1}} {
		code, said, err := c.Exec(t.Context(), "/leadhit-sync", "probe", fmt.Sprintf("http://%s%s", line["addr"], probe.page))
		if err != nil || code != probe.code || !strings.Contains(said, probe.want) {
			t.Errorf("probe %s: got exit code %d, %v and %q, want %d and %q", probe.page, code, err, said, probe.code, probe.want)
		}
	}
}

// testTimeZones: without the system's time zone files, the binary knows that Moscow is three hours ahead of UTC.
func testTimeZones(t *testing.T, c *container.Container) {
	t.Helper()
	line, err := c.Line(t.Context(), "starting", nil)
	if err != nil {
		t.Fatal(err)
	}
	if at := fmt.Sprint(line["time"]); !strings.HasSuffix(at, "+03:00") {
		t.Errorf("got a line at %s, want Moscow time", at)
	}
}
