package mapping

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrUnknownPreset says that no preset bears the name that was given.
var ErrUnknownPreset = errors.New("unknown preset")

//go:embed presets
var presetFiles embed.FS

const (
	presetDir    = "presets"
	presetPrefix = "preset "
)

func presetFile(name string) string {
	return presetPrefix + name
}

// Presets returns the names of all presets, in order.
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

func presetNames() map[string]bool {
	all := make(map[string]bool)
	for _, name := range Presets() {
		all[name] = true
	}
	return all
}

// Preset returns the YAML of a preset, or [ErrUnknownPreset].
func Preset(name string) ([]byte, error) {
	if !presetNames()[name] {
		return nil, unknownPreset(name)
	}
	return presetFiles.ReadFile(presetDir + "/" + name + ".yaml")
}

func unknownPreset(name string) error {
	if near := nearest(name, Presets()); near != "" {
		return fmt.Errorf("mapping: %w %q (did you mean %q?); a file's path ends in .yaml", ErrUnknownPreset, name, near)
	}
	return fmt.Errorf("mapping: %w %q; a file's path ends in .yaml; the presets are: %s",
		ErrUnknownPreset, name, strings.Join(Presets(), ", "))
}
