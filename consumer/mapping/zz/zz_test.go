package mapping_test

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"leadhit-sync/consumer/mapping"
)

func TestZZ(t *testing.T) {
	f, _ := os.Open("/work/shared/order-events/cases.tsv")
	r := csv.NewReader(f)
	r.Comma = '\t'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		m, err := mapping.Load(mapping.Options{Source: row[7], Topics: []string{row[8]}})
		if err != nil {
			t.Errorf("%s: %v", row[0], err)
			continue
		}
		rec := mapping.Record{Topic: row[8]}
		if row[2] != "" {
			rec.Key = []byte(row[2])
		}
		if row[1] != "-" {
			b, err := os.ReadFile("/work/shared/order-events/payloads/" + row[1])
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(row[1], ".b64") {
				b, _ = base64.StdEncoding.DecodeString(strings.TrimSpace(string(b)))
			}
			if b == nil {
				b = []byte{}
			}
			rec.Value = b
		}
		var hs map[string]string
		json.Unmarshal([]byte(row[3]), &hs)
		for k, v := range hs {
			rec.Headers = append(rec.Headers, mapping.Header{Key: k, Value: []byte(v)})
		}
		out, err := m.Decode(t.Context(), rec)
		if err != nil {
			t.Errorf("%s: %v", row[0], err)
			continue
		}
		var ids, exp []string
		for _, o := range out {
			switch o.Action {
			case mapping.Call:
				ids, exp = append(ids, o.OrderID), append(exp, o.Status)
			case mapping.Ignore:
				ids, exp = append(ids, ""), append(exp, "ignore")
			default:
				ids, exp = append(ids, ""), append(exp, "dead-letter")
			}
		}
		if strings.Join(ids, ";") != row[4] || strings.Join(exp, ";") != row[5] {
			t.Errorf("%s: got %v want %s %s", row[0], out, row[4], row[5])
		}
		if exp[0] == "dead-letter" {
			t.Log(row[0], out[0].Cause, out[0].Message)
		}
	}
}
