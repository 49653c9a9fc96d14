package container

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Image is the unpacked image for one architecture.
type Image struct {
	// Digest is the digest of the image index, by which a deployment would refer to the image.
	Digest string
	// Compressed is the size of the layers as a node downloads them, in bytes.
	Compressed int64
	// Files maps the path of each file and folder, without a slash at either end, to its mode.
	Files  map[string]fs.FileMode
	Config Config

	bundle string
}

// Config is the image's configuration, with the member names of the OCI image specification.
type Config struct {
	User       string
	Env        []string
	Entrypoint []string
	Cmd        []string
	WorkingDir string
	Labels     map[string]string
}

// descriptor is a reference to a blob, with its platform.
type descriptor struct {
	MediaType string
	Digest    string
	Size      int64
	Platform  struct{ OS, Architecture string }
}

// store is the folder of a layout.
type store string

// Unpack unpacks the image for Linux on the given architecture from the layout into bundle, an empty folder. It checks
// every digest, as a container engine would.
func Unpack(layout, architecture, bundle string) (*Image, error) {
	image := &Image{Files: make(map[string]fs.FileMode), bundle: bundle}
	if err := image.unpack(store(layout), architecture); err != nil {
		return nil, fmt.Errorf("image in %s: %w", layout, err)
	}
	return image, nil
}

func (i *Image) unpack(s store, architecture string) error {
	manifest, err := i.find(s, architecture)
	if err != nil {
		return err
	}
	var parts struct {
		Config descriptor
		Layers []descriptor
	}
	var config struct {
		OS, Architecture string
		Config           Config
	}
	if err := errors.Join(s.read(manifest, &parts), s.read(parts.Config, &config)); err != nil {
		return err
	}
	if config.OS != "linux" || config.Architecture != architecture {
		return fmt.Errorf("the image is for %s/%s", config.OS, config.Architecture)
	}
	i.Config = config.Config
	if err := os.Mkdir(i.rootfs(), 0o755); err != nil {
		return err
	}
	// os.Root confines every path in the layers to the folder, even with ".." in a name.
	root, err := os.OpenRoot(i.rootfs())
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	for _, layer := range parts.Layers {
		i.Compressed += layer.Size
		if err := i.apply(s, layer, root); err != nil {
			return err
		}
	}
	return nil
}

func (i *Image) rootfs() string { return filepath.Join(i.bundle, "rootfs") }

// find follows the layout's index.json to the image index, and from there to the manifest for the architecture.
func (i *Image) find(s store, architecture string) (descriptor, error) {
	var top, index struct{ Manifests []descriptor }
	text, err := os.ReadFile(filepath.Join(string(s), "index.json"))
	if err != nil {
		return descriptor{}, err
	}
	// With more than one image, a tool could take any of them from the layout.
	if err := json.Unmarshal(text, &top); err != nil || len(top.Manifests) != 1 {
		return descriptor{}, fmt.Errorf("%d images in the layout, want one: %w", len(top.Manifests), err)
	}
	i.Digest = top.Manifests[0].Digest
	if err := s.read(top.Manifests[0], &index); err != nil {
		return descriptor{}, err
	}
	for _, m := range index.Manifests {
		if m.Platform.OS == "linux" && m.Platform.Architecture == architecture {
			return m, nil
		}
	}
	return descriptor{}, fmt.Errorf("none for linux/%s", architecture)
}

// blob returns the content of a blob after checking it against its digest and size.
func (s store) blob(d descriptor) ([]byte, error) {
	name, found := strings.CutPrefix(d.Digest, "sha256:")
	if !found || strings.Trim(name, "0123456789abcdef") != "" {
		return nil, fmt.Errorf("digest %q is not a sha256", d.Digest)
	}
	content, err := os.ReadFile(filepath.Join(string(s), "blobs", "sha256", name))
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != name || int64(len(content)) != d.Size {
		return nil, fmt.Errorf("blob %s differs from its digest or size", d.Digest)
	}
	return content, nil
}

func (s store) read(d descriptor, to any) error {
	content, err := s.blob(d)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, to)
}

// apply unpacks a layer. It accepts only files and folders that belong to root, because a link, a device or another
// owner in our image would be a bug in mkimage.
func (i *Image) apply(s store, layer descriptor, root *os.Root) error {
	content, err := s.blob(layer)
	if err != nil {
		return err
	}
	plain, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return err
	}
	for archive := tar.NewReader(plain); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(header.Name, "/")
		i.Files[name] = header.FileInfo().Mode()
		if err := put(root, name, header, archive); err != nil {
			return fmt.Errorf("%s: %w", header.Name, err)
		}
	}
}

func put(root *os.Root, name string, header *tar.Header, content io.Reader) error {
	if header.Uid != 0 || header.Gid != 0 {
		return fmt.Errorf("owner is %d:%d", header.Uid, header.Gid)
	}
	switch header.Typeflag {
	case tar.TypeDir:
		if err := root.Mkdir(name, 0o755); err != nil {
			return err
		}
	case tar.TypeReg:
		file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(file, content)
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
	default:
		return fmt.Errorf("unexpected type %q", header.Typeflag)
	}
	return root.Chmod(name, header.FileInfo().Mode()) // the umask may have reduced the mode above
}
