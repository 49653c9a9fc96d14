package main

import (
	"os"
	"runtime/debug"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// writeSBOM lists the content of a binary, as the linker recorded it: the standard library and each module, with
// version and checksum.
func writeSBOM(file string, b *binary) error {
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{
		Timestamp: b.time().Format(time.RFC3339),
		Component: &cdx.Component{
			BOMRef: "leadhit-sync", Type: cdx.ComponentTypeApplication, Name: "leadhit-sync", Version: b.version,
			Description: "linux/" + b.arch,
			Licenses:    &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}},
		},
	}
	std := strings.TrimPrefix(b.info.GoVersion, "go")
	components := []cdx.Component{component("std", std, "")}
	for _, module := range b.info.Deps {
		components = append(components, componentOf(module))
	}
	bom.Components = &components
	var text strings.Builder
	if err := cdx.NewBOMEncoder(&text, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text.String()), 0o644) //nolint:gosec // anybody may read the build results
}

func componentOf(module *debug.Module) cdx.Component {
	if module.Replace != nil {
		module = module.Replace
	}
	return component(module.Path, module.Version, module.Sum)
}

// component describes a module. sum is its checksum, as in go.sum.
func component(path, version, sum string) cdx.Component {
	url := "pkg:golang/" + path + "@" + version
	c := cdx.Component{BOMRef: url, Type: cdx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: url}
	if sum != "" {
		c.Properties = &[]cdx.Property{{Name: "go:sum", Value: sum}}
	}
	return c
}
