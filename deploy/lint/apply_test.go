package lint_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"leadhit-sync/deploy/lint"
)

// kubectl says `unchanged` where the patch that it computes is empty. So what is written must be what the API server stores: a
// quantity as 1, not as 1000m. One patch is never empty: that of a PodDisruptionBudget, whose selector is always replaced as a
// whole, so that kubectl says `configured` though nothing changes. deploy/README.md says so.
func TestApplyingAnOverlayAgainChangesNothing(t *testing.T) {
	t.Parallel()
	for name, o := range overlays(t) {
		for _, object := range o.Objects {
			if object.Typed == nil {
				continue // custom resources have merge patches, which are empty where nothing differs
			}
			if got, want := reapplied(t, object), leastPatch(object); got != want {
				t.Errorf("%s: %s: got the patch %s, want %s", name, object, got, want)
			}
		}
	}
	worker := overlays(t)[minimal]
	spelt := violation{object: "Deployment/leadhit-sync", patch: replace(container+"/resources/requests/cpu", `"1000m"`)}.planted(t, worker)
	for _, object := range spelt.Objects {
		if strings.HasPrefix(object.String(), "Deployment/") && !strings.Contains(reapplied(t, object), `"cpu":"1000m"`) {
			t.Error("got no difference between 1000m and 1, want this test to see it")
		}
	}
}

// leastPatch is the patch of an object that has not changed.
func leastPatch(object *lint.Object) string {
	if strings.HasPrefix(object.String(), "PodDisruptionBudget/") {
		return `{"spec":{"selector":{"matchLabels":{"app.kubernetes.io/component":"worker","app.kubernetes.io/name":"leadhit-sync"}}}}`
	}
	return "{}"
}

// An undo puts the earlier pods back, but not what kubectl remembers as applied. So the next apply takes nothing of theirs away,
// unless the earlier overlay is applied before it: as deploy/README.md says.
func TestAnUndoLeavesWhatOnlyTheEarlierOverlayHad(t *testing.T) {
	t.Parallel()
	deployment := func(o *lint.Overlay) *lint.Object {
		i := slices.IndexFunc(o.Objects, func(o *lint.Object) bool { return o.String() == worker })
		return o.Objects[i]
	}
	newer := overlays(t)[minimal]
	earlier := violation{object: worker, patch: add("/spec/template/spec/volumes/-", `{"name":"extra","secret":{"secretName":"extra"}}`)}.planted(t, newer)
	a, b := deployment(earlier).JSON, deployment(newer).JSON
	for _, c := range []struct {
		name    string
		applied [][]byte // after the undo, one after the other
		left    bool
	}{
		{"the newer one alone", [][]byte{b}, true},
		{"the earlier one before it", [][]byte{a, b}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			live, last := a, b // apply A, apply B, undo
			for _, next := range c.applied {
				live, last = applied(t, last, next, live), next
			}
			if left := strings.Contains(string(live), `"secretName":"extra"`); left != c.left {
				t.Errorf("got %s, want the volume of the earlier overlay in it: %v", live, c.left)
			}
		})
	}
}

// applied is what the API server holds after kubectl has applied next over live, where last was applied before.
func applied(t *testing.T, last, next, live []byte) []byte {
	t.Helper()
	meta, err := strategicpatch.NewPatchMetaFromStruct(&appsv1.Deployment{})
	if err != nil {
		t.Fatal(err)
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(last, next, live, meta, true)
	if err != nil {
		t.Fatal(err)
	}
	after, err := strategicpatch.StrategicMergePatch(live, patch, &appsv1.Deployment{})
	if err != nil {
		t.Fatal(err)
	}
	return after
}

// reapplied is the patch of a second apply: over what the first one wrote, as the API server would hold it without defaults.
func reapplied(t *testing.T, o *lint.Object) string {
	t.Helper()
	stored, err := json.Marshal(o.Typed)
	if err != nil {
		t.Fatal(err)
	}
	meta, err := strategicpatch.NewPatchMetaFromStruct(o.Typed)
	if err != nil {
		t.Fatal(err)
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(o.JSON, o.JSON, stored, meta, true)
	if err != nil {
		t.Fatalf("%s: %v", o, err)
	}
	return string(patch)
}
