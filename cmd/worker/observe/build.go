package observe

import (
	"runtime/debug"
	"strings"
)

// shortCommit is how many digits of a commit's hash a version shows: as many as Git shows by default.
const shortCommit = 7

// Build describes what a binary was built from. Unknown fields are empty.
type Build struct {
	Version  string // "1.2.3"; "dev+0123abc" for a commit without a tag; "dev" if nothing is known
	Revision string // the full hash of the commit
	Time     string // the commit's time, in RFC 3339
	Modified bool   // the files differed from the commit
	Go       string // "go1.26.0"
}

// ReadBuild reads the build information that Go's tools wrote into a binary; info is nil if there is none. released
// is the version that was passed to the linker. It takes precedence, because a build without the repository knows no
// other version.
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

// version returns the version to show: a tag if there is one, otherwise the commit. Go's pseudo-version of a commit,
// v0.0.0-time-commit, tells a person no more than the commit does.
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
