package records_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leadhit-sync/consumer/broker/records"
	"leadhit-sync/consumer/event"
)

const (
	gzip, snappy, lz4, zstd = 1, 2, 3, 4

	small = 1 << 20
	large = 5 << 20
)

// rawSnappy returns the beginning of a block that unpacks to size bytes.
func rawSnappy(size uint64) []byte {
	return append(binary.AppendUvarint(nil, size), make([]byte, max(100, size/20))...)
}

// framedSnappy returns what snappy-java writes: a header and blocks, each preceded by its packed size.
func framedSnappy(size uint64) []byte {
	b, block := []byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"), rawSnappy(size)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(block))), block...)
}

// zstdFrame returns the beginning of a frame: the descriptor, and the fields that it announces.
func zstdFrame(descriptor byte, fields ...byte) []byte {
	b := append([]byte{0x28, 0xb5, 0x2f, 0xfd, descriptor}, fields...)
	return append(b, make([]byte, 20)...)
}

func TestALargeBatchIsDecodedAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		codec  int8
		packed []byte
		takes  int
	}{
		"a snappy block":                  {snappy, rawSnappy(small), 1},
		"a large snappy block":            {snappy, rawSnappy(large), 2},
		"framed snappy blocks":            {snappy, framedSnappy(32 << 10), 1},
		"a large snappy block in a frame": {snappy, framedSnappy(large), 2},
		"a snappy block without a length": {snappy, []byte{0xff}, 1},
		"a header without a block":        {snappy, framedSnappy(0)[:16], 1},
		"not snappy":                      {snappy, nil, 1},
		"zstd with a window of 2 MiB":     {zstd, zstdFrame(0, 11<<3), 1},
		"zstd with a window of 8 MiB":     {zstd, zstdFrame(0, 13<<3), 1},
		"zstd with a window of 9 MiB":     {zstd, zstdFrame(0, 13<<3|1), 2},
		"zstd of one small segment":       {zstd, zstdFrame(0x20, 200), 1},
		"zstd of one segment of 64 KiB":   {zstd, zstdFrame(0x60, 0xff, 0xff), 1},
		"zstd of one segment of 9 MiB":    {zstd, zstdFrame(0xa0, 0, 0, 0x90, 0), 2},
		"the same with a dictionary":      {zstd, zstdFrame(0xa3, 1, 0, 0, 0, 0, 0, 0x90, 0), 2},
		"a zstd header that is cut short": {zstd, zstdFrame(0xe0, 1)[:7], 1},
		"something else":                  {zstd, make([]byte, 20), 1},
		"what kafka-go packs as snappy":   {snappy, records.Pack(snappy, make([]byte, large)), 1},
		"what kafka-go packs as zstd":     {zstd, records.Pack(zstd, make([]byte, small)), 1},
		"lz4":                             {lz4, records.Pack(lz4, make([]byte, large)), 1},
		"gzip":                            {gzip, records.Pack(gzip, make([]byte, large)), 1},
		"a large batch of gzip":           {gzip, append(records.Pack(gzip, nil), make([]byte, large)...), 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			decoders := records.NewDecoders()
			r, err := decoders.Open(t.Context(), test.codec, test.packed)
			if err != nil {
				t.Fatal(err)
			}
			if got := decoders.Taken(); got != test.takes {
				t.Errorf("got %d of the two decoders taken, want %d", got, test.takes)
			}
			_ = r.Close()
			if got := decoders.Taken(); got != 0 {
				t.Errorf("got %d decoders still taken, want none", got)
			}
		})
	}
}

func TestLargeBatchesDoNotDeadlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		decoders := records.NewDecoders()
		var mu sync.Mutex
		var readers sync.WaitGroup
		taken, most := 0, 0
		take := func(packed []byte, takes int) {
			r, err := decoders.Open(t.Context(), snappy, packed)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			taken += takes
			most = max(most, taken)
			mu.Unlock()
			<-time.After(time.Millisecond)
			mu.Lock()
			taken -= takes
			mu.Unlock()
			_ = r.Close()
		}
		for range 8 {
			readers.Go(func() {
				for range 20 {
					take(rawSnappy(large), 2)
					take(rawSnappy(small), 1)
				}
			})
		}
		readers.Wait()
		if most != 2 {
			t.Errorf("got %d decoders taken at once, want at most two, and sometimes both", most)
		}
	})
}

func TestTheEndOfItsContextEndsTheWaitForADecoder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		decoders := records.NewDecoders()
		held, err := decoders.Open(t.Context(), snappy, rawSnappy(small))
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		cause := errors.New("the partition is revoked")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		if _, err := decoders.Open(ctx, snappy, rawSnappy(large)); !errors.Is(err, cause) {
			t.Errorf("got %v, want %v", err, cause)
		}
	})
}

func TestNoClaimOfCompressedBytesIsTrusted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		codec  int8
		packed []byte
	}{
		"a snappy block of 100 bytes of 1 MiB": {snappy, append(binary.AppendUvarint(nil, 1<<20),
			make([]byte, 97)...)},
		"a snappy block of 4 GB": {snappy, append(binary.AppendUvarint(nil, 1<<32-1),
			make([]byte, 100)...)},
		"the second snappy block": {snappy, append(framedSnappy(100),
			append([]byte{0, 0, 0, 100}, append(binary.AppendUvarint(nil, 1<<31), make([]byte, 95)...)...)...)},
		"a snappy frame of 2 GB": {
			snappy,
			[]byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01\x7f\xff\xff\xff\x01\x00"),
		},
		"zstd with a window of 129 MiB": {zstd, zstdFrame(0, 17<<3|1)},
		"zstd with the largest window":  {zstd, zstdFrame(0, 0xff)},
		"zstd of one segment of 1 TiB":  {zstd, zstdFrame(0xe0, 0, 0, 0, 0, 0, 1, 0, 0)},
		"zstd of one segment whose size overflows": {zstd, zstdFrame(0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := records.NewDecoders().Open(t.Context(), test.codec, test.packed); !errors.Is(err, records.ErrCorrupt) {
				t.Errorf("got %v, want %v", err, records.ErrCorrupt)
			}
		})
	}
}

func TestWellPackedSnappyIsRead(t *testing.T) {
	t.Parallel()
	packed := records.Pack(snappy, make([]byte, 16<<20)) // zeros, which compress best
	r, err := records.NewDecoders().Open(t.Context(), snappy, packed)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := io.Copy(io.Discard, r); err != nil || n != 16<<20 {
		t.Errorf("got %d bytes, %v", n, err)
	}
}

func TestACorruptBatchGivesItsDecodersBack(t *testing.T) {
	t.Parallel()
	good := batch{lastDelta: 1, deltas: []int32{0, 1}, attributes: lz4}.bytes()
	decoders := records.NewDecoders()
	for name, set := range map[string][]byte{
		"a checksum":       append(good[:len(good)-1:len(good)-1], good[len(good)-1]+1),
		"a packed body":    seal(append(good[:61:61], make([]byte, 50)...)),
		"an unknown codec": seal(append(append(good[:22:22], 7), good[23:]...)),
	} {
		got, next, err := records.Of(set).Decode(t.Context(), decoders, event.Partition{}, 0, records.Limit{Bytes: 1 << 20})
		if got != nil || next != 0 || !errors.Is(err, records.ErrCorrupt) {
			t.Errorf("%s: got %d records, next %d, %v, want %v", name, len(got), next, err, records.ErrCorrupt)
		}
		if n := decoders.Taken(); n != 0 {
			t.Errorf("%s: got %d decoders still taken, want none", name, n)
		}
	}
}
