package credentials

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// maxFile is far above the size of any credential. A bundle of all public authorities takes 250 KB.
const maxFile = 4 << 20

// Read returns the content of a regular file. It refuses pipes and devices, because reading one could block forever,
// and a second read would not return the same content.
func Read(name string) ([]byte, error) {
	// Without O_NONBLOCK, opening a pipe blocks until another process opens it to write.
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	// Nothing was written, so an error from Close loses nothing.
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	unfit := func(err error) error { return &fs.PathError{Op: "read", Path: name, Err: err} }
	switch {
	case info.IsDir():
		return nil, unfit(syscall.EISDIR)
	case !info.Mode().IsRegular():
		return nil, unfit(errors.New("not a regular file"))
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if len(text) > maxFile {
		return nil, unfit(errors.New("larger than 4 MiB"))
	}
	return text, err
}

// Password returns a file's only line without its line end. It refuses what no password contains, but a carelessly made
// file may: a second line, a byte order mark, a zero byte.
func Password(name string) (string, error) {
	text, err := Read(name)
	if err != nil {
		return "", err
	}
	password := strings.TrimRight(string(text), "\r\n")
	switch {
	case password == "":
		return "", errors.New("empty")
	case strings.HasPrefix(password, "\uFEFF"):
		return "", errors.New("begins with a byte order mark; save the file without one")
	case strings.ContainsAny(password, "\r\n"):
		return "", errors.New("contains a line break: it must be one line")
	case strings.ContainsRune(password, 0): // SASL PLAIN ends the password there
		return "", errors.New("contains a zero byte")
	}
	return password, nil
}
