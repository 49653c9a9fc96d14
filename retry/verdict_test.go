package retry_test

import (
	"testing"

	"leadhit-sync/retry"
)

func TestTheZeroVerdictIsAgain(t *testing.T) {
	t.Parallel()
	if got := (retry.Verdict{}).Kind; got != retry.Again {
		t.Errorf("the zero verdict: got %v, want %v", got, retry.Again)
	}
}

func TestKindsHaveNames(t *testing.T) {
	t.Parallel()
	for kind, want := range map[retry.Kind]string{
		retry.Again: "again", retry.Done: "done", retry.DeadLetter: "dead_letter",
		retry.Unauthorised: "unauthorised", retry.Misconfigured: "misconfigured", 99: "unknown",
	} {
		if got := kind.String(); got != want {
			t.Errorf("kind %d: got %q, want %q", kind, got, want)
		}
	}
}
