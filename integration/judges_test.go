package integration_test

import (
	"testing"
	"time"
)

// failing records whether a judge of this suite has failed the test.
type failing struct {
	testing.TB
	failed bool
}

func (*failing) Helper()                 {}
func (*failing) Logf(string, ...any)     {}
func (f *failing) Errorf(string, ...any) { f.failed = true }

func TestATimeHasSlackUnlessTestsAreStrict(t *testing.T) {
	for _, test := range []struct {
		strict string
		got    time.Duration
		failed bool
	}{
		{"", 3 * time.Second, false},
		{"", 3*time.Second + 1, true},
		{"false", 3 * time.Second, false},
		{"true", time.Second, false},
		{"true", time.Second + 1, true},
	} {
		t.Setenv("STRICT", test.strict)
		judged := &failing{TB: t}
		withinSlack(judged, "a time", test.got, time.Second)
		if judged.failed != test.failed {
			t.Errorf("STRICT=%s: got failed %v for %v with a bound of one second, want %v", test.strict, judged.failed, test.got, test.failed)
		}
	}
}

func TestMemoryIsReadWithItsPagesOfFilesSeparately(t *testing.T) {
	t.Parallel()
	const status = "Name:\tleadhit-sync\nVmPeak:\t 1266884 kB\nVmHWM:\t   99329 kB\nVmRSS:\t   90000 kB\n" +
		"RssAnon:\t   65536 kB\nRssFile:\t   20480 kB\nRssShmem:\t       0 kB\n"
	if peak, files := memoryIn(status); peak != 98 || files != 20 {
		t.Errorf("got %d MiB at most and %d MiB of files, want 98 and 20", peak, files)
	}
	if peak, files := memoryIn(""); peak != 0 || files != 0 {
		t.Errorf("got %d and %d for a system without these figures, want 0", peak, files)
	}
}
