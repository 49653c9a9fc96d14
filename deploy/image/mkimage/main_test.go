package main

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// program is the smallest program that can be built instead of the product.
const program = `package main

import "fmt"

var version = ""

func main() { fmt.Println(version) }
`

// module creates a module in a temporary folder, in a repository with one commit on the given date. An empty date means
// no repository.
func module(t *testing.T, date string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "cmd", "leadhit-sync"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"go.mod": "module leadhit-sync\n\ngo 1.26\n", "cmd/leadhit-sync/main.go": program} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if date == "" {
		return dir
	}
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "."}, {"-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", "commit", "-qm", "first"},
	} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date, "GIT_CONFIG_GLOBAL=/dev/null")
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, output)
		}
	}
	return dir
}

// mkimage builds into a temporary folder, and returns the layout's path and what was printed.
func mkimage(t *testing.T, root string, args ...string) (place, printed string) {
	t.Helper()
	place = filepath.Join(t.TempDir(), "image")
	var out strings.Builder
	if err := run(t.Context(), append([]string{"-root", root, "-out", place}, args...), &out); err != nil {
		t.Fatal(err)
	}
	return place, out.String()
}

// contents reads all files in a layout's parent folder: the layout and the lists beside it.
func contents(t *testing.T, place string) map[string]string {
	t.Helper()
	all := map[string]string{}
	parent := os.DirFS(filepath.Dir(place))
	err := fs.WalkDir(parent, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(parent, path)
		all[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTwoFoldersAtTwoTimesGiveTheSameBytes(t *testing.T) {
	const date = "2026-03-11T07:00:00Z"
	firstPlace, first := mkimage(t, module(t, date))
	root := module(t, date)
	old := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(root, "cmd", "leadhit-sync", "main.go"), old, old); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOFLAGS", "-tags=other") // no setting in the caller's environment may change the bytes
	secondPlace, second := mkimage(t, root)
	one, two := contents(t, firstPlace), contents(t, secondPlace)
	if len(one) != 2+7+2 { // oci-layout, index.json; index, manifests, configs, layers; lists
		t.Errorf("got %d files, want an OCI layout of two images and two lists", len(one))
	}
	for name, text := range one {
		if two[name] != text {
			t.Errorf("%s: got %d bytes in one build and different ones in another (%d bytes)", name, len(text), len(two[name]))
		}
	}
	if digestOf(first) != digestOf(second) || digestOf(first) == "" {
		t.Errorf("got digests %q and %q, want the same", digestOf(first), digestOf(second))
	}
}

// digestOf finds the image's digest in what was printed.
func digestOf(printed string) string {
	for line := range strings.SplitSeq(printed, "\n") {
		if after, found := strings.CutPrefix(line, "digest  "); found {
			return after
		}
	}
	return ""
}

func TestAnotherVersionGivesAnotherDigest(t *testing.T) {
	t.Parallel()
	root := module(t, "")
	_, first := mkimage(t, root, "-version", "1.2.3")
	_, second := mkimage(t, root, "-version", "1.2.4")
	if digestOf(first) == digestOf(second) {
		t.Error("got the same digest for two versions, want it to distinguish them")
	}
}

// images reads a layout's images, and the index that lists them.
func images(t *testing.T, place string) (v1.ImageIndex, []v1.Image) {
	t.Helper()
	top, err := layout.ImageIndexFromPath(place)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(top); err != nil {
		t.Errorf("the layout is invalid: %v", err)
	}
	manifest, err := top.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("got %+v, %v, want one image in the layout", manifest, err)
	}
	index, err := top.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	list, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var all []v1.Image
	for _, m := range list.Manifests {
		image, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, image)
	}
	return index, all
}

func TestAnImageSaysWhatItIsAndHoldsTheBinaryAlone(t *testing.T) {
	t.Parallel()
	root := module(t, "2026-03-11T10:00:00+03:00")
	place, printed := mkimage(t, root, "-version", "v1.2.3", "-source", "https://git.example.org/leadhit-sync")
	index, all := images(t, place)
	if got, err := index.Digest(); err != nil || got.String() != digestOf(printed) {
		t.Errorf("got digest %v, %v, want %q as printed", got, err, digestOf(printed))
	}
	commit := strings.TrimSpace(git(t, root, "rev-parse", "HEAD"))
	var architectures []string
	for _, image := range all {
		config := says(t, image, map[string]string{
			"version": "1.2.3", "revision": commit, "licenses": "Apache-2.0",
			"source": "https://git.example.org/leadhit-sync",
		})
		architectures = append(architectures, config.Architecture)
		if !config.Created.Equal(time.Date(2026, 3, 11, 7, 0, 0, 0, time.UTC)) {
			t.Errorf("got an image of %v, want the commit's time", config.Created)
		}
		if kind, err := image.MediaType(); err != nil || kind != types.OCIManifestSchema1 {
			t.Errorf("got %v, %v, want OCI's own type", kind, err)
		}
		holds(t, image, config.Architecture)
	}
	if want := []string{"amd64", "arm64"}; !slices.Equal(architectures, want) {
		t.Errorf("got images for %v, want %v", architectures, want)
	}
}

// says checks the labels, the user and the command of an image, and returns its configuration.
func says(t *testing.T, image v1.Image, labels map[string]string) *v1.ConfigFile {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := config.Config
	if c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/leadhit-sync"}) || !slices.Equal(c.Cmd, []string{"run"}) {
		t.Errorf("got user %q, %q %q, want 65532 to run /leadhit-sync", c.User, c.Entrypoint, c.Cmd)
	}
	for name, want := range labels {
		if got := c.Labels["org.opencontainers.image."+name]; got != want {
			t.Errorf("got label %s %q, want %q", name, got, want)
		}
	}
	return config
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(output)
}

// holds checks an image's files, and that the program among them is static.
func holds(t *testing.T, image v1.Image, architecture string) {
	t.Helper()
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("got %d layers, %v, want one", len(layers), err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = content.Close() }()
	var names []string
	for r := tar.NewReader(content); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.FileInfo().Mode().String()+" "+header.Name)
		if header.Name == "leadhit-sync" {
			program, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			isStatic(t, program, architecture)
		}
	}
	want := []string{"drwxr-xr-x etc/", "-rw-r--r-- etc/group", "-rw-r--r-- etc/passwd", "-rwxr-xr-x leadhit-sync", "dtrwxrwxrwx tmp/"}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func isStatic(t *testing.T, program []byte, architecture string) {
	t.Helper()
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[architecture]; file.Machine != want {
		t.Errorf("got a binary for %v in the image for %s", file.Machine, architecture)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("got a binary that needs a loader, want a static one")
		}
	}
}

func TestACommitWithoutATagIsTheVersion(t *testing.T) {
	t.Parallel()
	root := module(t, "2026-03-11T07:00:00Z")
	short := strings.TrimSpace(git(t, root, "rev-parse", "HEAD"))[:7]
	if _, printed := mkimage(t, root); !strings.Contains(printed, "version dev-"+short+"\n") {
		t.Errorf("got %q, want version dev-%s", printed, short)
	}
	if err := os.WriteFile(filepath.Join(root, "cmd", "leadhit-sync", "main.go"), []byte(program+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, printed := mkimage(t, root); !strings.Contains(printed, "version dev-"+short+"-dirty\n") {
		t.Errorf("got %q, want version dev-%s-dirty", printed, short)
	}
}

func TestTheListNamesWhatIsInTheBinary(t *testing.T) {
	t.Parallel()
	place, _ := mkimage(t, module(t, ""), "-version", "1.2.3")
	text, err := os.ReadFile(place + "-arm64.cdx.json")
	if err != nil {
		t.Fatal(err)
	}
	var bom cdx.BOM
	if err := json.Unmarshal(text, &bom); err != nil {
		t.Fatal(err)
	}
	if bom.BOMFormat != cdx.BOMFormat || bom.Metadata.Component.Version != "1.2.3" || bom.Components == nil {
		t.Fatalf("got %s, want a CycloneDX list of version 1.2.3", text)
	}
	std := (*bom.Components)[0]
	if std.Name != "std" || !strings.HasPrefix(std.PackageURL, "pkg:golang/std@1.") {
		t.Errorf("got %+v, want the standard library and its version", std)
	}
}

func TestOnlyALayoutIsReplaced(t *testing.T) {
	t.Parallel()
	root := module(t, "")
	place, first := mkimage(t, root)
	var again strings.Builder
	if err := run(t.Context(), []string{"-root", root, "-out", place}, &again); err != nil || again.String() != first {
		t.Errorf("got %v and %q from building over a layout, want %q", err, again.String(), first)
	}
	precious := t.TempDir()
	if err := run(t.Context(), []string{"-root", root, "-out", precious}, io.Discard); err == nil {
		t.Error("got no error for a folder that is not a layout, want it left alone")
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(precious), ".mkimage-*")); err != nil || len(left) > 0 {
		t.Errorf("got %v, %v left behind, want nothing", left, err)
	}
}

func TestWhatCannotBeBuiltIsReported(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"no module":         {"-root", t.TempDir()},
		"one word too many": {"-root", module(t, ""), "image"},
		"an unknown flag":   {"-rot", "."},
		"no such folder":    {"-root", filepath.Join(t.TempDir(), "none")},
	} {
		if err := run(t.Context(), append([]string{"-out", filepath.Join(t.TempDir(), "image")}, args...), io.Discard); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
