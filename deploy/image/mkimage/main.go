// Command mkimage builds the container image of leadhit-sync without a container engine: a static binary for each
// architecture, in an OCI layout without a base image. It also writes a list of the modules in each binary (SBOM).
//
//	go -C deploy/image/mkimage run . -root ../../.. -out ../../../bin/image
//
// The same commit and the same version of Go produce the same bytes on every machine at any time. The only time in the
// image is the commit's, files have a fixed order, and paths of the build machine are omitted. The image contains the
// binary, /etc/passwd and /etc/group with its user, and an empty /tmp. Nothing but the binary can be executed.
//
// No layout is left half-built, because mkimage builds the new one beside the final path, and replaces an older one
// only when the new one is complete.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// architectures returns the values of GOARCH for which the image is built.
func architectures() []string { return []string{"amd64", "arm64"} }

func main() {
	//nolint:forbidigo // a main owns the root context
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		stop()
		_, _ = fmt.Fprintf(os.Stderr, "mkimage: %v\n", err)
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// options are the flags of mkimage.
type options struct {
	root    string // the product's module
	out     string // the layout
	version string // empty: from the commit that Go recorded
	source  string // the URL of the code; empty: no label
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("mkimage", flag.ContinueOnError)
	flags.StringVar(&o.root, "root", ".", "folder of the product's module")
	flags.StringVar(&o.out, "out", "bin/image", "folder of the OCI layout; an older one there is replaced")
	flags.StringVar(&o.version, "version", "", "version of the release; by default the commit's tag, or else the commit")
	flags.StringVar(&o.source, "source", "", "address of the source, for the image's label")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	made, err := build(ctx, o)
	if err != nil {
		return err
	}
	return made.print(out)
}

// build builds the layout, and the lists of modules beside it.
func build(ctx context.Context, o options) (*made, error) {
	parent := filepath.Dir(o.out)
	if err := os.MkdirAll(parent, 0o755); err != nil { //nolint:gosec // anybody may read the build results
		return nil, err
	}
	work, err := os.MkdirTemp(parent, ".mkimage-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(work) }()
	var binaries []*binary
	for _, arch := range architectures() {
		b, err := compile(ctx, o, arch, filepath.Join(work, arch))
		if err != nil {
			return nil, err
		}
		binaries = append(binaries, b)
	}
	layout := filepath.Join(work, "layout")
	m, err := write(layout, binaries, o.source)
	if err != nil {
		return nil, err
	}
	if err := replace(o.out, layout); err != nil {
		return nil, err
	}
	m.layout = o.out
	for i, b := range binaries {
		m.images[i].sbom = fmt.Sprintf("%s-%s.cdx.json", o.out, b.arch)
		if err := writeSBOM(m.images[i].sbom, b); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// replace moves the new layout to the final path. It deletes an older layout there, but nothing else, because a wrong
// -out must not delete another folder.
func replace(place, layout string) error {
	_, err := os.Stat(place)
	if err == nil {
		if _, err := os.Stat(filepath.Join(place, "oci-layout")); err != nil {
			return fmt.Errorf("%s exists and is not an OCI layout: choose another folder with -out", place)
		}
		if err := os.RemoveAll(place); err != nil {
			return err
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Rename(layout, place)
}
