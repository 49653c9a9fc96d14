package worker_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"leadhit-sync/cmd/worker"
)

// Two containers on one machine may have the same host name and listen on the same port, each in its own network.
func TestTheSameAddressInAnotherNetworkIsAnotherPlace(t *testing.T) {
	t.Parallel()
	const variable, addr = "PRINT_PLACE_OF", ":8080"
	if addr := os.Getenv(variable); addr != "" { // the place function below started this process
		_, _ = os.Stdout.WriteString("place " + worker.PlaceOf(addr) + " \n")
		return
	}
	place := func(apart uintptr) string {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), variable+"="+addr)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: apart}
		out, err := cmd.CombinedOutput()
		if apart != 0 && err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("CI=true requires this test, but a process gets no network of its own here: %v", err)
			}
			t.Skipf("SKIPPED: a process gets no network of its own here (root gets one): %v", err)
		}
		_, rest, found := strings.Cut(string(out), "place leadhit-sync-")
		name, _, _ := strings.Cut(rest, " ")
		if err != nil || !found {
			t.Fatalf("got %s, %v, want a place", out, err)
		}
		return name
	}
	here, again := place(0), place(0)
	if here != again {
		t.Errorf("got places %s and %s of two processes one after another, want one", here, again)
	}
	own := uintptr(syscall.CLONE_NEWNET) // CI may create one, because its containers need this permission too
	if os.Geteuid() != 0 {
		own |= syscall.CLONE_NEWUSER
	}
	if apart := place(own); apart == here {
		t.Errorf("got place %s in two networks", here)
	}
}
