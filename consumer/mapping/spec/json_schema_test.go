package spec_test

import (
	"encoding/json"
	"slices"
	"testing"

	"leadhit-sync/consumer/mapping/spec"
)

func TestTheJSONSchemaHasTheNamesThatAreRead(t *testing.T) {
	t.Parallel()
	var s struct {
		Definitions map[string]struct {
			Properties map[string]struct {
				Enum []string `json:"enum"`
			} `json:"properties"`
			AdditionalProperties any `json:"additionalProperties"`
		} `json:"definitions"`
	}
	if err := json.Unmarshal([]byte(spec.EditorSchema()), &s); err != nil {
		t.Fatal(err)
	}
	known := spec.KnownNames()
	known["single"] = append(slices.Clone(known["mapping"]), "version", "statuses")
	for kind, want := range known {
		slices.Sort(want)
		var got []string
		for name := range s.Definitions[kind].Properties {
			got = append(got, name)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v in the schema, want %v", kind, got, want)
		}
		if s.Definitions[kind].AdditionalProperties != false {
			t.Errorf("%s: the schema lets other names pass", kind)
		}
	}
	if got := s.Definitions["field"].Properties["type"].Enum; !slices.Equal(got, spec.Types()) {
		t.Errorf("got types %v, want %v", got, spec.Types())
	}
}
