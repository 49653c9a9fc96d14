package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/worker"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version, and what it was built from", Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			b := build()
			text := fmt.Sprintf("leadhit-sync %s %s %s/%s", b.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			if b.Revision != "" {
				text += fmt.Sprintf("\ncommit %s of %s", b.Revision, b.Time)
			}
			if b.Modified {
				text += ", files changed since"
			}
			_, err := fmt.Fprintln(c.OutOrStdout(), text)
			return err
		},
	}
}

// build says what this binary was built from.
func build() worker.Build {
	info, _ := debug.ReadBuildInfo()
	return worker.ReadBuild(version, info)
}

// versionText is the version as it stands in logs, letters and requests.
func versionText() string { return build().Version }
