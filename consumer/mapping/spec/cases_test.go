package spec_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"leadhit-sync/consumer/event"
	"leadhit-sync/consumer/mapping/spec"
)

// casesFile writes a file of cases and returns its path.
func casesFile(tb testing.TB, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "shop.cases.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestACaseIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	got, err := spec.ReadCases(casesFile(t, `cases:
- {name: a call, topic: shop, key: 17, headers: {type: paid, empty: ""}, value: '{"id": 1.0}', want: {order_id: 9007199254740993, status: paid}}
- {name: a list, value: null, want: [ignore, {refuse: NotJSON}]}
`), []string{"NotJSON"})
	if err != nil {
		t.Fatal(err)
	}
	want := []spec.Case{
		{
			Name: "a call",
			Record: event.Record{
				Place: event.Place{Topic: "shop"}, Key: []byte("17"), Value: []byte(`{"id": 1.0}`),
				Headers: []event.Header{{Key: "type", Value: []byte("paid")}, {Key: "empty", Value: []byte{}}},
			},
			Want: []spec.Want{{OrderID: "9007199254740993", Status: "paid"}},
		},
		{Name: "a list", Want: []spec.Want{{}, {Refuse: "NotJSON"}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAnUnknownCauseNamesTheOneThatWasMeant(t *testing.T) {
	t.Parallel()
	for cause, want := range map[string]string{
		"UnknownStatuss":  `unknown cause "UnknownStatuss" (did you mean "UnknownStatus"?)`,
		"unknownstatus":   `unknown cause "unknownstatus" (did you mean "UnknownStatus"?)`,
		"missing_orderid": `unknown cause "missing_orderid" (did you mean "MissingOrderID"?)`,
		"''":              `unknown cause "": there are MissingOrderID, UnknownStatus`,
	} {
		_, err := spec.ReadCases(casesFile(t, "cases: [{name: a, value: '', want: {refuse: "+cause+"}}]"), []string{"UnknownStatus", "MissingOrderID"})
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func FuzzReadCases(f *testing.F) {
	f.Add("cases:\n- {name: a, value: '{}', want: {order_id: 1, status: paid}}")
	f.Add("cases: [{name: &x a, headers: {b: *x}, want: [ignore, {refuse: X}]}]")
	f.Add("cases: [{name: a, name: a, value: &v [*v]}]")
	f.Fuzz(func(t *testing.T, text string) {
		if cases, err := spec.ReadCases(casesFile(t, text), nil); len(cases) == 0 && err == nil {
			t.Error("got neither cases nor an error")
		}
	})
}
