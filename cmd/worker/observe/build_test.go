package observe_test

import (
	"runtime/debug"
	"testing"

	"leadhit-sync/cmd/worker/observe"
)

func TestABuildSaysWhatItWasMadeFrom(t *testing.T) {
	t.Parallel()
	const commit = "0123abcdef0123abcdef0123abcdef0123abcdef"
	built := func(module string, settings ...string) *debug.BuildInfo {
		info := &debug.BuildInfo{GoVersion: "go1.26.0", Main: debug.Module{Path: "leadhit-sync", Version: module}}
		for i := 0; i < len(settings); i += 2 {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: settings[i], Value: settings[i+1]})
		}
		return info
	}
	clean := []string{"vcs.revision", commit, "vcs.time", "2026-03-11T07:00:00Z", "vcs.modified", "false"}
	dirty := []string{"vcs.revision", commit, "vcs.time", "2026-03-11T07:00:00Z", "vcs.modified", "true"}
	for _, test := range []struct {
		name     string
		released string
		info     *debug.BuildInfo
		want     observe.Build
	}{
		{"nothing is known", "", nil, observe.Build{Version: "dev"}},
		{"a release without its repository", "1.2.3", built("(devel)"), observe.Build{Version: "1.2.3", Go: "go1.26.0"}},
		{"go install of a tag", "", built("v1.2.3"), observe.Build{Version: "1.2.3", Go: "go1.26.0"}},
		{
			"a tagged commit", "",
			built("v1.2.3", clean...),
			observe.Build{Version: "1.2.3", Revision: commit, Time: "2026-03-11T07:00:00Z", Go: "go1.26.0"},
		},
		{
			"the linker's version wins", "v1.2.4",
			built("v1.2.3", clean...),
			observe.Build{Version: "1.2.4", Revision: commit, Time: "2026-03-11T07:00:00Z", Go: "go1.26.0"},
		},
		{
			"a commit without a tag", "",
			built("v0.0.0-20260311070000-0123abcdef01", clean...),
			observe.Build{Version: "dev+0123abc", Revision: commit, Time: "2026-03-11T07:00:00Z", Go: "go1.26.0"},
		},
		{
			"files that were changed", "",
			built("v0.0.0-20260311070000-0123abcdef01+dirty", dirty...),
			observe.Build{
				Version: "dev+0123abc.dirty", Revision: commit, Time: "2026-03-11T07:00:00Z", Modified: true, Go: "go1.26.0",
			},
		},
		{
			"a tag with files that were changed", "",
			built("v1.2.3+dirty", dirty...),
			observe.Build{
				Version: "1.2.3+dirty", Revision: commit, Time: "2026-03-11T07:00:00Z", Modified: true,
				Go: "go1.26.0",
			},
		},
		{
			"a revision shorter than Git's", "",
			built("(devel)", "vcs.revision", "r42"),
			observe.Build{Version: "dev+r42", Revision: "r42", Go: "go1.26.0"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := observe.ReadBuild(test.released, test.info); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
