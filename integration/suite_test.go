package integration_test

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"leadhit-sync/integration/apache"
	"leadhit-sync/integration/program"
)

// suite is what all tests share: the binary, and a folder for the output (logs, pages, letters) of every run.
type suite struct {
	binary  string
	emitted string
	keys    string // a folder for key files, not searched, because the key belongs there
	canary  string // the API key, which must appear nowhere else
	secrets *secrets
}

// TestWorker is one tree of tests, so that the tests share a binary and the clusters, and the search for the canary
// runs last. TestDesk and TestLaunch run alongside its first parts.
func TestWorker(t *testing.T) { //nolint:tparallel // the kills and the search run after the parallel tests
	t.Parallel()
	s := newSuite(t)
	t.Run("settings", s.testSettings)
	// These parts run concurrently, because they wait most of the time. The kills and the chaos run alone, because a
	// starved worker proves nothing.
	t.Run("beside each other", func(t *testing.T) {
		t.Run("one node", s.testOneNode)
		t.Run("the wire", s.testWire)
		t.Run("a standstill", s.testStandstill)
		t.Run("strangers", s.testStrangers)
		t.Run("check", s.testCheck)
		t.Run("two brokers of three down", s.testBrokersDown)
	})
	t.Run("three nodes", func(t *testing.T) {
		brokers, nodes := clusterOf(t, 3)
		t.Run("crashes", func(t *testing.T) { s.testKills(t, brokers) })
		t.Run("clean ends", func(t *testing.T) {
			s.testRestarts(t, brokers)
			s.testRollout(t, brokers)
		})
		s.testSuccessors(t, brokers)
		s.testShortChaos(t, nodes)
	})
	t.Run("no output has the canary key, a race or a panic", s.testEmitted)
}

// testOneNode runs the tests that need only one broker.
func (s *suite) testOneNode(t *testing.T) {
	t.Parallel()
	brokers := oneNode(t)
	t.Run("a worker that comes first", func(t *testing.T) { s.testWorkerThatComesFirst(t, brokers) })
	t.Run("parts", func(t *testing.T) {
		s.testUnauthorised(t, brokers)
		s.testRefusals(t, brokers)
		s.testRepeats(t, brokers)
		s.testTwoPartitioners(t, brokers)
		s.testTransactions(t, brokers)
		s.testOpenTransactions(t, brokers)
		s.testOddTimes(t, brokers)
		s.testGarbage(t, brokers)
		s.testMapping(t, brokers)
		s.testGuard(t, brokers)
		// These take a long time. At the end they would run alone, and at the start they would share the processors
		// with TestDesk's browser.
		s.testSingleFaults(t, brokers)
		s.testReplayCommand(t, brokers)
		s.testReplays(t, brokers)
		s.testLetterCommands(t, brokers)
		s.testRuinedReplays(t, brokers)
		s.testOrderCommand(t, brokers)
		s.testKeepers(t, brokers)
		s.testPlanted(t, brokers)
		s.testForeign(t, brokers)
		s.testDeletedTopics(t, brokers)
	})
}

func newSuite(tb testing.TB) *suite {
	tb.Helper()
	begin := time.Now()
	// The race detector is for the worker. In the tests themselves it would take minutes of processor time.
	var flags []string
	if os.Getenv("WORKER_RACE") == "true" {
		flags = []string{"-race"}
	}
	binary, err := program.Build(tb.Context(), tb.TempDir(), "./cmd/leadhit-sync", flags...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Logf("the binary was built in %.1f s", time.Since(begin).Seconds())
	return &suite{binary: binary, emitted: tb.TempDir(), keys: tb.TempDir(), canary: "canary-" + rand.Text(), secrets: &secrets{}}
}

// oneNode starts a cluster of one node that runs until the test ends, or uses the cluster that KAFKA_BROKERS names.
func oneNode(tb testing.TB) []string {
	tb.Helper()
	brokers, _ := clusterOf(tb, 1)
	return brokers
}

// clusterOf is like oneNode, but for any number of nodes. It also returns the cluster, for tests that kill nodes. The
// cluster is nil if KAFKA_BROKERS is set.
func clusterOf(tb testing.TB, nodes int) ([]string, *apache.Cluster) {
	tb.Helper()
	if brokers := os.Getenv("KAFKA_BROKERS"); brokers != "" {
		return strings.Split(brokers, ","), nil
	}
	own := ownCluster(tb, nodes)
	return own.Brokers(), own
}

// ownCluster starts a cluster whose nodes a test may kill. The cluster runs until the test ends.
func ownCluster(tb testing.TB, nodes int) *apache.Cluster {
	tb.Helper()
	needKafka(tb)
	begin := time.Now()
	version := cmp.Or(os.Getenv("KAFKA_VERSION"), apache.Version)
	c, err := apache.Start(tb.Context(), apache.Options{Nodes: nodes, Version: version})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Logf("Apache Kafka %s, %d node(s), was ready in %.1f s", version, nodes, time.Since(begin).Seconds())
	tb.Cleanup(func() {
		tb.Logf("this part took %.1f s", time.Since(begin).Seconds())
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// since skips a part of a test if the release is too old for the request with which the test itself changes the
// cluster.
func since(tb testing.TB, major, minor int, request string) {
	tb.Helper()
	if before(major, minor) {
		tb.Skipf("SKIPPED: Kafka %s does not know %s, which came with %d.%d", os.Getenv("KAFKA_VERSION"), request, major, minor)
	}
}

// before reports whether KAFKA_VERSION names a release before major.minor. Without KAFKA_VERSION, the tests run on the
// current release.
func before(major, minor int) bool {
	var isMajor, isMinor int
	if _, err := fmt.Sscanf(os.Getenv("KAFKA_VERSION"), "%d.%d.", &isMajor, &isMinor); err != nil {
		return false
	}
	return isMajor < major || isMajor == major && isMinor < minor
}

// needKafka skips a test if Kafka cannot run here.
func needKafka(tb testing.TB) {
	tb.Helper()
	if err := apache.Available(); err != nil {
		leaveOut(tb, "nothing was tested on real Kafka: %v", err)
	}
}

// leaveOut skips a test and gives the reason. With CI=true the test fails instead, so that CI cannot lose a test
// silently.
func leaveOut(tb testing.TB, why string, about ...any) {
	tb.Helper()
	if os.Getenv("CI") == "true" {
		tb.Fatalf("CI=true requires this test: "+why, about...)
	}
	tb.Skipf("SKIPPED: "+why, about...)
}

// number reads one of the tests' environment variables, whose value must be a number of at least 1.
func number(tb testing.TB, name string, otherwise int) int {
	tb.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		tb.Fatalf("%s=%s: want a number of at least 1", name, text)
	}
	return n
}

// keep stores some of a run's output for testEmitted.
func (s *suite) keep(tb testing.TB, name string, text []byte) {
	tb.Helper()
	file, err := os.CreateTemp(s.emitted, strings.ReplaceAll(name, "/", "_")+"-*")
	if err != nil {
		tb.Fatal(err)
	}
	_, err = file.Write(text)
	if err := cmpErr(err, file.Close()); err != nil {
		tb.Fatal(err)
	}
}

func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// testEmitted searches all output that the earlier tests kept: logs, pages, letters.
func (s *suite) testEmitted(t *testing.T) {
	files, size := 0, 0
	unwanted := append([]string{s.canary, "WARNING: DATA RACE", "panic: ", "fatal error: "}, s.secrets.all()...)
	err := filepath.WalkDir(s.emitted, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files, size = files+1, size+len(text)
		for i, what := range unwanted {
			if at := bytes.Index(text, []byte(what)); at >= 0 {
				t.Errorf("%s: got unwanted text %d (0 is the key) after %q", filepath.Base(path), i, text[max(0, at-80):at])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 || size == 0 {
		t.Error("got nothing to search")
	}
	t.Logf("searched %d files, %.1f MB", files, float64(size)/1e6)
}

// slack is the factor by which a time may exceed its bound: 3, for busy machines. STRICT=true, as in make bench, allows
// none.
func slack() int {
	if os.Getenv("STRICT") == "true" {
		return 1
	}
	return 3
}

// withinSlack logs a time, and fails the test if the time is above its bound times slack.
func withinSlack(tb testing.TB, what string, got, bound time.Duration) {
	tb.Helper()
	tb.Logf("%s: %v (bound %v)", what, got.Round(time.Millisecond), bound)
	if most := time.Duration(slack()) * bound; got > most {
		tb.Errorf("got %v for %s, want at most %v", got, what, most)
	}
}

// eventually calls missing until it returns "". The limit is for a quiet machine. After three times the limit, which
// only a hanging worker should reach, eventually fails the test with the last reason.
func eventually(tb testing.TB, limit time.Duration, what string, missing func() string) {
	tb.Helper()
	deadline := time.Now().Add(3 * limit)
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		why := missing()
		if why == "" {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("%s: not within %v: %s", what, 3*limit, why)
		}
		select {
		case <-ticker.C:
		case <-tb.Context().Done():
			tb.Fatal(fmt.Sprint(what, ": ", tb.Context().Err()))
		}
	}
}
