package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// offline stands in for the registry. It returns an empty base image for the requested platform.
type offline struct{}

func (offline) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	platform := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		platform = *opt.ImageOpt.Platform
	}
	config, err := json.Marshal(ocispecs.Image{Platform: platform})
	return ref, digest.FromBytes(config), config, err
}

// warnings returns what BuildKit's own checks report about a Dockerfile.
func warnings(t *testing.T, text []byte) []string {
	t.Helper()
	source := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", text)
	source.Definition = &llb.Definition{}
	var all []string
	results, err := dockerfile2llb.DockerfileLint(t.Context(), text, dockerfile2llb.ConvertOpt{
		MetaResolver: offline{}, SourceMap: source,
	})
	if err != nil {
		t.Fatal(err)
	}
	if results.Error != nil {
		all = append(all, results.Error.Message)
	}
	for _, w := range results.Warnings {
		all = append(all, fmt.Sprintf("%s: %s", w.RuleName, w.Detail))
	}
	return all
}

func TestTheDockerfilePassesBuildKitsChecks(t *testing.T) {
	t.Parallel()
	text := dockerfile(t)
	if got := warnings(t, text); len(got) > 0 {
		t.Errorf("got %q, want no warnings", got)
	}
	// Each change must make a check fail.
	for name, change := range map[string][2]string{
		"StageNameCasing":       {"AS build", "AS Build"},
		"JSONArgsRecommended":   {`ENTRYPOINT ["/leadhit-sync"]`, "ENTRYPOINT /leadhit-sync"},
		"UndefinedArgInFrom":    {"golang:1.26", "golang:$GO"},
		"SecretsUsedInArgOrEnv": {"ARG REVISION", "ARG API_KEY"},
	} {
		broken := bytes.ReplaceAll(text, []byte(change[0]), []byte(change[1]))
		if got := warnings(t, broken); !strings.Contains(strings.Join(got, "\n"), name) {
			t.Errorf("got %q for %s, want %s", got, change[1], name)
		}
	}
}

func dockerfile(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestTheDockerfileMakesTheSameImage checks that the Dockerfile and mkimage, which are two ways to build the image, do
// not drift apart.
func TestTheDockerfileMakesTheSameImage(t *testing.T) {
	t.Parallel()
	text := dockerfile(t)
	tree, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	stages, _, err := instructions.Parse(tree.AST, linter.New(&linter.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	oneArgALine(t, stages)
	if first := stages[0]; first.Platform != "$BUILDPLATFORM" {
		t.Errorf("got a build stage on %q, want it to compile on the builder's own platform", first.Platform)
	}
	place, _ := mkimage(t, module(t, ""), "-version", "1", "-source", "s")
	_, all := images(t, place)
	config, err := all[0].ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config
	last := stages[len(stages)-1]
	if last.BaseName != "scratch" {
		t.Errorf("got a last stage from %s, want scratch", last.BaseName)
	}
	sameLabels(t, sameConfig(t, last, want), want.Labels)
	for _, content := range []string{passwd, group} {
		if !bytes.Contains(text, []byte(strings.ReplaceAll(content, "\n", `\n`))) {
			t.Errorf("got no %q in the Dockerfile", content)
		}
	}
}

func oneArgALine(t *testing.T, stages []instructions.Stage) {
	t.Helper()
	for _, stage := range stages {
		for _, command := range stage.Commands {
			if arg, ok := command.(*instructions.ArgCommand); ok && len(arg.Args) != 1 {
				t.Errorf("got %s, want one ARG per line", arg)
			}
		}
	}
}

// sameConfig compares a stage with the image's configuration and returns the stage's labels.
func sameConfig(t *testing.T, last instructions.Stage, want v1.Config) map[string]string {
	t.Helper()
	labels := map[string]string{}
	for _, command := range last.Commands {
		switch c := command.(type) {
		case *instructions.UserCommand:
			same(t, "USER", c.User, want.User)
		case *instructions.EntrypointCommand:
			same(t, "ENTRYPOINT", strings.Join(c.CmdLine, " "), strings.Join(want.Entrypoint, " "))
		case *instructions.CmdCommand:
			same(t, "CMD", strings.Join(c.CmdLine, " "), strings.Join(want.Cmd, " "))
		case *instructions.WorkdirCommand:
			same(t, "WORKDIR", c.Path, want.WorkingDir)
		case *instructions.LabelCommand:
			for _, l := range c.Labels {
				labels[strings.Trim(l.Key, `"`)] = strings.Trim(l.Value, `"`)
			}
		case *instructions.ExposeCommand, *instructions.ArgCommand, *instructions.CopyCommand:
		default:
			t.Errorf("got %s in the last stage, want nothing that runs", command.Name())
		}
	}
	return labels
}

// sameLabels compares the labels, but not the values that come from build arguments.
func sameLabels(t *testing.T, got, want map[string]string) {
	t.Helper()
	delete(got, "org.opencontainers.image.revision") // mkimage has found no commit here
	for name, value := range want {
		if !strings.HasPrefix(got[name], "$") {
			same(t, "LABEL "+name, got[name], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got labels %v, want %v", got, want)
	}
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}
