package mapping

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"leadhit-sync/consumer/mapping/spelling"
)

//go:embed presets
var presetFiles embed.FS

const (
	presetDir = "presets"
	// presetPrefix followed by a preset's name is the file name that problems show for the preset.
	presetPrefix = "preset "
)

// Presets returns the names of all presets, sorted.
func Presets() []string {
	entries, err := presetFiles.ReadDir(presetDir)
	if err != nil {
		return nil
	}
	var all []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".yaml"); ok {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// Preset returns the YAML of a preset. For an unknown name it returns an error that suggests a preset.
func Preset(name string) ([]byte, error) {
	if !slices.Contains(Presets(), name) {
		return nil, unknownPreset(name)
	}
	return presetFiles.ReadFile(presetDir + "/" + name + ".yaml")
}

// unknownPreset returns an error that mentions the .yaml extension, because MAPPING takes a preset or a file, and a
// file name without the extension is treated as a preset.
func unknownPreset(name string) error {
	if near := spelling.Nearest(name, Presets()); near != "" {
		return fmt.Errorf("mapping: unknown preset %q (did you mean %q?); a file's path ends in .yaml", name, near)
	}
	return fmt.Errorf("mapping: unknown preset %q; a file's path ends in .yaml; the presets are: %s",
		name, strings.Join(Presets(), ", "))
}
