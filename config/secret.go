package config

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// mask is what stands in the place of a secret.
const mask = "***"

// Secret is a value that must not be seen. Whatever prints it (fmt with any verb, slog, encoding/json, also when it
// lies deep in another struct) prints ***; only Reveal returns it. The zero value is an empty secret.
type Secret struct {
	// A pointer, because fmt calls no methods on a secret in somebody's unexported field: it prints an address then.
	value *string
}

// Reveal returns the value, "" where there is none.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Format writes *** for every verb. A String method would cover %v and %s alone: %d would print the pointer.
func (Secret) Format(f fmt.State, _ rune) {
	// A fmt.State keeps its own errors.
	_, _ = io.WriteString(f, mask)
}

// MarshalText returns ***, which JSON, YAML and slog write.
func (Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// UnmarshalText takes the value as it is. It refuses spaces and control characters, which come from a slip in copying
// and are not allowed in an HTTP header. Its error does not quote the value.
func (s *Secret) UnmarshalText(text []byte) error {
	value := string(text)
	if strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return errors.New("holds a space or a control character")
	}
	s.value = &value
	return nil
}
