package lint

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// Overlay is what one overlay renders to.
type Overlay struct {
	// Name is its folder.
	Name    string
	Objects []*Object
}

// Render builds the kustomization in a folder, as `kustomize build` does.
func Render(dir string) (*Overlay, error) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", dir, err)
	}
	overlay := &Overlay{Name: dir}
	for _, resource := range built.Resources() {
		text, err := resource.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", dir, err)
		}
		object, err := NewObject(text)
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", dir, err)
		}
		overlay.Objects = append(overlay.Objects, object)
	}
	return overlay, nil
}

// Kustomizations returns every folder below dir that holds a kustomization.yaml, sorted.
func Kustomizations(dir string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Base(path) == "kustomization.yaml" {
			found = append(found, filepath.Dir(path))
		}
		return err
	})
	slices.Sort(found)
	return found, err
}

// Roots returns the kustomizations below dir that no other one there is made of: those to apply.
func Roots(dir string) ([]string, error) {
	all, err := Kustomizations(dir)
	if err != nil {
		return nil, err
	}
	used, err := Parts(dir)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(d string) bool { return slices.Contains(used, d) }), nil
}

// Parts returns the folders that the kustomizations below dir name as resources or components.
func Parts(dir string) ([]string, error) {
	all, err := Kustomizations(dir)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, dir := range all {
		text, err := os.ReadFile(filepath.Join(dir, "kustomization.yaml"))
		if err != nil {
			return nil, err
		}
		var k struct {
			Resources, Components []string
		}
		if err := yaml.Unmarshal(text, &k); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		for _, part := range slices.Concat(k.Resources, k.Components) {
			found = append(found, filepath.Join(dir, part))
		}
	}
	return found, nil
}
