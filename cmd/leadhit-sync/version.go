package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/worker/observe"
)

// versionCommand reads neither settings nor the network, so it works in a broken installation. Its output belongs in a
// bug report.
func versionCommand() *cobra.Command {
	var output outputForm
	c := &cobra.Command{
		Use: "version", Short: "Print the version and the commit it was built from",
		Long: `Print the version, Go's version, the platform and, if known, the commit that this
program was built from, with its time.`,
		Example: `  leadhit-sync version
  leadhit-sync version -o json | jq -r .version`,
		RunE: func(c *cobra.Command, _ []string) error {
			return output.print(c.OutOrStdout(), printedVersion(build()), func(w io.Writer) error {
				_, err := fmt.Fprintln(w, versionLines())
				return err
			})
		},
	}
	outputFlag(c, &output)
	return c
}

// versionJSON is the JSON form of the version. Modified is always present. False means that, as far as Go's tools know,
// the commit describes the binary.
type versionJSON struct {
	Schema   string `json:"schema"`
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	// Commit and Time describe the sources; they are absent in a build without version control. Modified says that the
	// sources differed from the commit, so that people do not look for a defect in the wrong code.
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified"`
}

func printedVersion(b observe.Build) versionJSON {
	return versionJSON{
		Schema: "version.v1", Version: b.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Commit: b.Revision, Time: b.Time, Modified: b.Modified,
	}
}

// versionLines returns the version as text.
func versionLines() string {
	b := build()
	text := fmt.Sprintf("leadhit-sync %s %s %s/%s", b.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if b.Revision != "" {
		text += fmt.Sprintf("\ncommit %s of %s", b.Revision, b.Time)
	}
	if b.Modified {
		text += ", with uncommitted changes"
	}
	return text
}

// build returns what this binary was built from. A failed read is not an error, because binaries built without modules
// have no such information, and ReadBuild returns "dev" for them.
func build() observe.Build {
	info, _ := debug.ReadBuildInfo()
	return observe.ReadBuild(version, info)
}

// versionText returns the version for logs, letters and requests.
func versionText() string { return build().Version }
