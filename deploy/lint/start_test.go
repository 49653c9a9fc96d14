package lint_test

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"leadhit-sync/deploy/lint"
)

// started is leadhit-sync as an overlay's container runs it, except that its addresses lead nowhere.
type started struct {
	process     *exec.Cmd
	environment map[string]string
	lines       chan string
	url         string
}

// start runs the program with the Deployment's arguments, environment and files.
func start(t *testing.T, o *lint.Overlay) *started {
	t.Helper()
	return run(t, onDisk(t, o), o.Arguments())
}

// run starts a command of the program, and returns once the command listens.
func run(t *testing.T, environment map[string]string, arguments []string) *started {
	t.Helper()
	s := &started{environment: environment, lines: make(chan string, 1000)}
	maps.Copy(s.environment, map[string]string{
		"HTTP_ADDR": "127.0.0.1:0", "DESK_ADDR": "127.0.0.1:0", "KAFKA_BROKERS": "127.0.0.1:1",
		"LEADHIT_URL": "http://127.0.0.1:1/",
	})
	s.process = exec.CommandContext(t.Context(), program(t), arguments...)
	for name, value := range s.environment {
		s.process.Env = append(s.process.Env, name+"="+value)
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.process.Stderr = os.Stderr
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.process.Process.Kill() }) // usually it has ended already
	go func() {
		defer close(s.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			s.lines <- scanner.Text()
		}
	}()
	s.url = "http://" + s.until(t, "listening")["addr"]
	return s
}

// until reads the log up to a message that starts with the given words, and returns the string fields of that line.
func (s *started) until(t *testing.T, words string) map[string]string {
	t.Helper()
	late := time.After(2 * time.Minute)
	for {
		select {
		case line, more := <-s.lines:
			if !more {
				t.Fatalf("the log ended before %q", words)
			}
			var fields map[string]any
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				t.Fatalf("got the line %q, want JSON", line)
			}
			if message, _ := fields["msg"].(string); !strings.HasPrefix(message, words) {
				continue
			}
			texts := map[string]string{}
			for key, value := range fields {
				texts[key], _ = value.(string)
			}
			return texts
		case <-late:
			t.Fatalf("got no line %q in the log within 2 minutes", words)
		}
	}
}

// get sends a GET request, as the kubelet and Prometheus do.
func (s *started) get(t *testing.T, path string) (code int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // the body was read to its end
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestTheProgramStartsAnswersAndStopsWithTheDeploymentsSettings(t *testing.T) {
	t.Parallel()
	for name, o := range overlays(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, o)
			// Without Kafka the worker is alive but not ready, so it is not restarted, and a rollout waits for it.
			for path, want := range map[string]int{"/livez": 200, "/readyz": 503, "/metrics": 200, "/status": 200, "/nowhere": 404} {
				if code, body := s.get(t, path); code != want || strings.Contains(body, "canary-secret") {
					t.Errorf("%s: got %d and %q, want %d and no secret", path, code, body, want)
				}
			}
			if err := os.WriteFile(s.environment["LEADHIT_API_KEY_FILE"], []byte("canary-secret-2"), 0o600); err != nil {
				t.Fatal(err)
			}
			s.until(t, "the API key file has changed")
			s.end(t, o.Grace())
		})
	}
}

// The desk needs neither LeadHit's key nor Kafka to start. Without Kafka, its page says what is wrong.
func TestTheDeskStartsAnswersAndStopsWithTheDeploymentsSettings(t *testing.T) {
	t.Parallel()
	environment, arguments := overlays(t)[withDesk].Desk()
	s := run(t, environment, arguments)
	for path, want := range map[string]int{"/livez": 200, "/letters": 200, "/workers": 200, "/nowhere": 404} {
		if code, body := s.get(t, path); code != want {
			t.Errorf("%s: got %d and %q, want %d", path, code, body, want)
		}
	}
	const kubernetesDefault = 30 * time.Second
	s.end(t, kubernetesDefault)
}

// end sends SIGTERM, as the kubelet does, and waits.
func (s *started) end(t *testing.T, grace time.Duration) {
	t.Helper()
	if grace == 0 {
		t.Fatal("got no grace period")
	}
	began := time.Now()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.until(t, "stopped")
	for range s.lines { // until stdout is closed, because only then may Wait be called
	}
	if err := s.process.Wait(); err != nil {
		t.Errorf("got %v, want exit code 0", err)
	}
	if took := time.Since(began); took > grace {
		t.Errorf("got an end after %s, want it within the grace period of %s", took, grace)
	}
}
