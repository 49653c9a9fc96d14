package schema_test

import (
	"testing"
)

func BenchmarkAvro(b *testing.B) {
	s := mustAvro(b, orderAvro)
	payload := unhex(b, "82808080808080200841562d310202b083febb9b67")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.JSON(payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProtobuf(b *testing.B) {
	s := mustProtobuf(b, everyProto)
	payload := unhex(b, "00 08 8180808080808010 4a0141 5801 62020801 6a020102")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.JSON(payload); err != nil {
			b.Fatal(err)
		}
	}
}
