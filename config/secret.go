package config

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// mask is written in place of a secret.
const mask = "***"

// Secret is a value that must not be shown. Everything that prints it, even deep inside another struct, prints ***: fmt
// with any verb, slog, encoding/json. Only Reveal returns the value. The zero value is an empty secret.
type Secret struct {
	// This is a pointer, because fmt calls no methods on a value in an unexported field. For a pointer, fmt prints the
	// address, not the secret.
	value *string
}

// Reveal returns the value, or "" if there is none.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Format writes *** for every verb. A String method would cover only %v and %s, and %d would print the pointer.
func (Secret) Format(f fmt.State, _ rune) {
	// Writes to fmt's own State never fail, because it is a buffer.
	_, _ = io.WriteString(f, mask)
}

// MarshalText returns ***, which JSON, YAML and slog write.
func (Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// UnmarshalText takes the value as it is. It refuses spaces and control characters, which come from a slip in copying
// and are not allowed in an HTTP header. Its error does not quote the value.
func (s *Secret) UnmarshalText(text []byte) error {
	value := string(text)
	if strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return errors.New("contains a space or a control character")
	}
	s.value = &value
	return nil
}
