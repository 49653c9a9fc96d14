package schema

import (
	"bytes"
	"encoding/base64"
	"math"
	"math/big"
	"strconv"
)

const (
	// maxOutput limits the JSON of a payload, in bytes. A schema with many or long names, or an array of values without
	// bytes, turns a small payload into a lot of text. The limit is checked between values, so one string may exceed
	// it.
	maxOutput = 16 << 20
	// maxDepth limits the nesting of objects and arrays.
	maxDepth = 512
	// maxDecimal limits an unscaled decimal, in bytes, because converting it into digits takes more than linear time.
	maxDecimal = 4 << 10
)

// A writer appends JSON text, within the limits.
type writer struct {
	out   []byte
	depth int
}

// newWriter returns a writer with memory for the usual output of a payload of that many bytes.
func newWriter(payload int) *writer {
	return &writer{out: make([]byte, 0, min(2*payload+64, maxOutput))}
}

// room returns an error once the output is too large. Code that writes many values calls room before each value.
func (w *writer) room() error {
	if len(w.out) > maxOutput {
		return refuse("the payload expands to more than %d bytes", maxOutput)
	}
	return nil
}

// open starts an object or an array, unless it would be nested too deeply.
func (w *writer) open(bracket byte) error {
	if w.depth++; w.depth > maxDepth {
		return refuse("the payload is more than %d levels deep", maxDepth)
	}
	w.out = append(w.out, bracket)
	return nil
}

// next writes the comma before a member or an item, unless it is the first.
func (w *writer) next() {
	if last := w.out[len(w.out)-1]; last != '{' && last != '[' {
		w.out = append(w.out, ',')
	}
}

// close ends what open started.
func (w *writer) close(bracket byte) {
	w.depth--
	w.out = append(w.out, bracket)
}

func (w *writer) raw(text string) { w.out = append(w.out, text...) }

func (w *writer) bool(v bool) { w.out = strconv.AppendBool(w.out, v) }

func (w *writer) int(v int64) { w.out = strconv.AppendInt(w.out, v, 10) }

func (w *writer) uint(v uint64) { w.out = strconv.AppendUint(w.out, v, 10) }

// float writes the shortest text that reads as the same number with the given number of bits. A whole number below 1e21
// is written with a point, as in 1001.0, so that a mapping refuses a float as an order id.
func (w *writer) float(v float64, bits int) {
	switch {
	case math.IsNaN(v):
		w.raw(`"NaN"`)
	case math.IsInf(v, 1):
		w.raw(`"Infinity"`)
	case math.IsInf(v, -1):
		w.raw(`"-Infinity"`)
	// These are the limits of JavaScript and of encoding/json. Within them no exponent is written.
	case v != 0 && (math.Abs(v) < 1e-6 || math.Abs(v) >= 1e21):
		w.out = strconv.AppendFloat(w.out, v, 'e', -1, bits)
	default:
		start := len(w.out)
		w.out = strconv.AppendFloat(w.out, v, 'f', -1, bits)
		if bytes.IndexByte(w.out[start:], '.') < 0 {
			w.raw(".0")
		}
	}
}

func (w *writer) bytes(v []byte) {
	w.out = append(w.out, '"')
	w.out = base64.StdEncoding.AppendEncode(w.out, v)
	w.out = append(w.out, '"')
}

func (w *writer) string(v []byte) { w.out = appendQuoted(w.out, v) }

// appendQuoted escapes what JSON requires and nothing else. Bytes that are not UTF-8 are kept, because a replacement
// character would make two ids equal. The code that reads a field decides whether they matter.
func appendQuoted[T string | []byte](out []byte, v T) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	start := 0
	for i := range len(v) {
		c := v[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		out = append(out, v[start:i]...)
		if c < ' ' {
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		} else {
			out = append(out, '\\', c)
		}
		start = i + 1
	}
	out = append(out, v[start:]...)
	return append(out, '"')
}

// decimal writes the digits of v, a number in big-endian two's complement, with scale digits after the point.
func (w *writer) decimal(v []byte, scale int) error {
	if len(v) > maxDecimal {
		return refuse("a decimal of %d bytes, more than %d", len(v), maxDecimal)
	}
	w.out = AppendDecimal(w.out, v, scale)
	return nil
}

// AppendDecimal appends the digits of v, a number in big-endian two's complement, with scale digits after the point.
// Avro and Connect both encode decimals in this way.
func AppendDecimal(out, v []byte, scale int) []byte {
	n := new(big.Int).SetBytes(v)
	if len(v) > 0 && v[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(v))))
	}
	if n.Sign() < 0 {
		out = append(out, '-')
		n.Neg(n)
	}
	digits := n.Append(nil, 10)
	// At least one digit stays before the point, so 5 with a scale of 2 is 0.05.
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = append(bytes.Repeat([]byte{'0'}, missing), digits...)
	}
	whole := len(digits) - scale
	out = append(out, digits[:whole]...)
	if scale > 0 {
		out = append(append(out, '.'), digits[whole:]...)
	}
	return out
}
