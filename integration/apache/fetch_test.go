package apache_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"leadhit-sync/integration/apache"
)

// whole is a fake Maven that succeeds. It writes Kafka's jar into the folder that its last argument names.
const whole = `#!/bin/sh
for last; do :; done
jars="${last#-DoutputDirectory=}"
mkdir -p "$jars" && : > "$jars/kafka_2.13-` + apache.Version + `.jar"
`

// fakeMaven puts a script named mvn first on the PATH.
func fakeMaven(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mvn"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
}

func TestABrokenDownloadIsNotUsed(t *testing.T) {
	for name, script := range map[string]string{
		"Maven fails":               "#!/bin/sh\necho no such artifact; exit 1\n",
		"Maven leaves out the jars": "#!/bin/sh\nexit 0\n",
	} {
		t.Run(name, func(t *testing.T) {
			fakeMaven(t, script)
			cache := t.TempDir()
			if place, err := apache.FetchInto(t.Context(), cache); err == nil {
				t.Fatalf("got %s, want an error", place)
			}
			if left, _ := filepath.Glob(filepath.Join(cache, "*")); len(left) > 0 {
				t.Errorf("got %v left in the cache folder, want nothing", left)
			}
			fakeMaven(t, whole)
			if _, err := apache.FetchInto(t.Context(), cache); err != nil {
				t.Errorf("got %v from the next try, want Kafka", err)
			}
		})
	}
}

func TestKafkaIsFetchedOnce(t *testing.T) {
	fakeMaven(t, whole)
	cache := t.TempDir()
	first, err := apache.FetchInto(t.Context(), cache)
	if err != nil {
		t.Fatal(err)
	}
	fakeMaven(t, "#!/bin/sh\nexit 1\n")
	second, err := apache.FetchInto(t.Context(), cache)
	if err != nil || second != first {
		t.Errorf("got %q, %v, want %q from the cache", second, err, first)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "*")); len(left) != 1 {
		t.Errorf("got %v in the cache folder, want Kafka alone", left)
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := apache.Available()
	if !errors.Is(err, apache.ErrAbsent) || err.Error() != "java: not on the PATH" {
		t.Errorf("got %v, want java named as missing", err)
	}
	if _, err := apache.Start(t.Context(), apache.Options{}); !errors.Is(err, apache.ErrAbsent) {
		t.Errorf("got %v from Start, want ErrAbsent", err)
	}
}
