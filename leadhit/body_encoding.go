package leadhit

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	byteOrderMark = "\ufeff" // some Windows programs put it at the beginning of a file
	gzipMagic     = "\x1f\x8b"
)

var (
	errBrokenGzip = errors.New("the response is compressed with gzip and cannot be decompressed")
	errWide       = errors.New("the response is in UTF-16, not UTF-8")
)

// unwrap removes what a proxy or a framework put around a response: gzip, which we never ask for, and a byte order
// mark. Its error names an encoding that it cannot remove. limit applies to the decompressed size.
func unwrap(body *bytes.Buffer, encoding string, limit int64) error {
	encoding = strings.ToLower(strings.TrimSpace(encoding))
	switch {
	case bytes.HasPrefix(body.Bytes(), []byte(gzipMagic)): // whatever the header says
		if err := gunzip(body, limit); err != nil {
			return err
		}
	case encoding == "", encoding == "identity", encoding == "gzip", encoding == "x-gzip":
		// A proxy that decompresses may leave the header as it was.
	default:
		return fmt.Errorf("the response is compressed with %s, which we did not ask for", clean(encoding, "", maxLabel))
	}
	text := body.Bytes()
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return errWide
	}
	if bytes.HasPrefix(text, []byte(byteOrderMark)) {
		body.Next(len(byteOrderMark))
	}
	return nil
}

func gunzip(body *bytes.Buffer, limit int64) error {
	packed, err := gzip.NewReader(bytes.NewReader(bytes.Clone(body.Bytes())))
	if err != nil {
		return errBrokenGzip
	}
	body.Reset()
	n, err := body.ReadFrom(io.LimitReader(packed, limit+1))
	switch {
	case n > limit:
		return errTooLong
	case err != nil:
		return errBrokenGzip
	}
	return nil
}
