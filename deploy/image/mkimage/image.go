package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// user is neither root nor a user on the host. Distroless images use the same number.
	user = "65532:65532"
	//nolint:gosec // it contains no password, whatever its name suggests
	passwd = "root:x:0:0:root:/:/sbin/nologin\nleadhit-sync:x:65532:65532:leadhit-sync:/tmp:/sbin/nologin\n"
	group  = "root:x:0:\nleadhit-sync:x:65532:\n"

	// maxCompressed limits the bytes that a node must download before a worker starts there.
	maxCompressed = 25 << 20
)

// made describes the output of a build.
type made struct {
	layout, version, digest string
	images                  []madeImage
}

type madeImage struct {
	arch, digest, sbom string
	compressed         int64
}

func (m *made) print(out io.Writer) error {
	var text bytes.Buffer
	_, _ = fmt.Fprintf(&text, "image   %s\nversion %s\ndigest  %s\n", m.layout, m.version, m.digest)
	for _, i := range m.images {
		mebibytes := float64(i.compressed) / (1 << 20)
		_, _ = fmt.Fprintf(&text, "%s   %s  %.1f MiB compressed  %s\n", i.arch, i.digest, mebibytes, i.sbom)
	}
	_, err := text.WriteTo(out)
	return err
}

// write writes the layout. One index lists the images. The top-level index lists that index under the version.
func write(dir string, binaries []*binary, source string) (*made, error) {
	m := &made{version: binaries[0].version}
	var index v1.ImageIndex = empty.Index
	for _, b := range binaries {
		image, compressed, err := imageOf(b, source)
		if err != nil {
			return nil, fmt.Errorf("%s image: %w", b.arch, err)
		}
		digest, err := image.Digest()
		if err != nil {
			return nil, err
		}
		m.images = append(m.images, madeImage{arch: b.arch, digest: digest.String(), compressed: compressed})
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: b.arch}},
		})
	}
	if labels := labels(binaries[0], source); len(labels) > 0 {
		index, _ = mutate.Annotations(index, labels).(v1.ImageIndex)
	}
	digest, err := index.Digest()
	if err != nil {
		return nil, err
	}
	m.digest = digest.String()
	top, err := layout.Write(dir, empty.Index)
	if err != nil {
		return nil, err
	}
	name := map[string]string{"org.opencontainers.image.ref.name": m.version}
	return m, top.AppendIndex(index, layout.WithAnnotations(name))
}

// imageOf returns the image for one binary, and the compressed size of the image's layer.
func imageOf(b *binary, source string) (v1.Image, int64, error) {
	archive, err := archive(b)
	if err != nil {
		return nil, 0, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil }
	layer, err := tarball.LayerFromOpener(open,
		tarball.WithCompressionLevel(gzip.BestCompression), tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, 0, err
	}
	size, err := layer.Size()
	if err != nil {
		return nil, 0, err
	}
	if size > maxCompressed {
		return nil, 0, fmt.Errorf("%d bytes compressed, more than %d", size, maxCompressed)
	}
	created := v1.Time{Time: b.time()}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{
		OS: "linux", Architecture: b.arch, Created: created, RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User: user, WorkingDir: "/", Entrypoint: []string{"/leadhit-sync"}, Cmd: []string{"run"},
			ExposedPorts: map[string]struct{}{"8080/tcp": {}}, Labels: labels(b, source),
		},
	})
	if err != nil {
		return nil, 0, err
	}
	history := v1.History{Created: created, CreatedBy: "mkimage"}
	image, err = mutate.Append(image, mutate.Addendum{Layer: layer, History: history})
	return image, size, err
}

// labels returns the annotations that the OCI image specification defines.
func labels(b *binary, source string) map[string]string {
	const prefix = "org.opencontainers.image."
	all := map[string]string{
		prefix + "title":       "leadhit-sync",
		prefix + "description": "Sends LeadHit the status of each order",
		prefix + "licenses":    "Apache-2.0",
		prefix + "version":     b.version,
		prefix + "revision":    b.revision(),
		prefix + "source":      source,
	}
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	return all
}

// archive returns the image's only layer, as a tar archive.
func archive(b *binary) ([]byte, error) {
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	for _, file := range []struct {
		name    string
		mode    int64
		content []byte
	}{
		{"etc/", 0o755, nil},
		{"etc/group", 0o644, []byte(group)},
		{"etc/passwd", 0o644, []byte(passwd)},
		{"leadhit-sync", 0o755, b.content},
		{"tmp/", 0o1777, nil},
	} {
		kind := byte(tar.TypeReg)
		if file.content == nil {
			kind = tar.TypeDir
		}
		header := &tar.Header{
			Typeflag: kind, Name: file.name, Mode: file.mode, Size: int64(len(file.content)), ModTime: b.time(),
			Format: tar.FormatUSTAR,
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(file.content); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return buffer.Bytes(), err
}
