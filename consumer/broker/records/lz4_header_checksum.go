package records

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// withHeaderChecksum returns the LZ4 frame with the correct header checksum. Producers of message format 0 included the
// frame's magic number in the checksum (KAFKA-3160), and Kafka's own consumer does not check it in this format
// (KIP-57). Bytes that are not an LZ4 frame are returned unchanged.
func withHeaderChecksum(frame []byte) []byte {
	const magic, flags, contentSize = 4, 4, 0x08
	if len(frame) <= flags || binary.LittleEndian.Uint32(frame) != 0x184d2204 {
		return frame
	}
	descriptor := 2
	if frame[flags]&contentSize != 0 {
		descriptor += 8
	}
	end := magic + descriptor
	if len(frame) <= end {
		return frame
	}
	right := byte(xxHash32(frame[magic:end]) >> 8)
	if frame[end] == right {
		return frame
	}
	frame = bytes.Clone(frame)
	frame[end] = right
	return frame
}

// xxHash32 returns the hash of fewer than 16 bytes with seed 0, as the xxHash specification defines it for short
// inputs.
func xxHash32(b []byte) uint32 {
	const (
		prime1, prime2, prime3 uint32 = 0x9e3779b1, 0x85ebca77, 0xc2b2ae3d
		prime4, prime5         uint32 = 0x27d4eb2f, 0x165667b1
	)
	h := prime5 + uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		h = bits.RotateLeft32(h+binary.LittleEndian.Uint32(b)*prime3, 17) * prime4
	}
	for _, c := range b {
		h = bits.RotateLeft32(h+uint32(c)*prime5, 11) * prime1
	}
	h ^= h >> 15
	h *= prime2
	h ^= h >> 13
	h *= prime3
	return h ^ h>>16
}
