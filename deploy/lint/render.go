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

// Render returns what `kustomize build` prints for a folder.
func Render(dir string) (string, error) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return "", fmt.Errorf("render %s: %w", dir, err)
	}
	text, err := built.AsYaml()
	if err != nil {
		return "", fmt.Errorf("render %s: %w", dir, err)
	}
	return string(text), nil
}

// Kustomizations returns every folder below dir that contains a kustomization.yaml, sorted.
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

// Parts returns the folders that the kustomizations below dir list as resources or components.
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
