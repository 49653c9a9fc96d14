package observe

import (
	"runtime/debug"
	"strings"
)

// shortCommit is how much of a commit's name stands in a version: what Git's own tools show.
const shortCommit = 7

// Build says what a binary was built from. What nobody knew is empty.
type Build struct {
	Version  string // "1.2.3"; of a commit without a tag "dev+0123abc"; of nothing known "dev"
	Revision string // the commit, whole
	Time     string // the commit's, RFC 3339
	Modified bool   // the files were not the commit's
	Go       string // "go1.26.0"
}

// ReadBuild reads what Go's tools have written into a binary; nil is one into which they wrote nothing. released is the
// version that the linker was given, and wins: a build without the repository beside it knows no other.
func ReadBuild(released string, info *debug.BuildInfo) Build {
	var b Build
	if info == nil {
		info = new(debug.BuildInfo)
	}
	b.Go = info.GoVersion
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	b.Version = b.version(released, info.Main.Version)
	return b
}

// version prefers a tag to a commit. Go makes a version of any commit, v0.0.0-time-commit: to a person that says no
// more than the commit does.
func (b Build) version(released, module string) string {
	short := b.Revision[:min(shortCommit, len(b.Revision))]
	madeUp := short != "" && strings.Contains(module, "-"+short)
	switch {
	case released != "":
		return strings.TrimPrefix(released, "v")
	case module != "" && module != "(devel)" && !madeUp:
		return strings.TrimPrefix(module, "v")
	case short == "":
		return "dev"
	case b.Modified:
		return "dev+" + short + ".dirty"
	}
	return "dev+" + short
}
