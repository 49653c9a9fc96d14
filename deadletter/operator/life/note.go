package life

import "fmt"

// Note is a message to people about a plan or an order. Commands print it in English; a page in another language has
// its own text for the name.
type Note struct {
	Name  string
	Facts []any // numbers, strings and errors, in the order of the text
	text  string
}

// Names of the notes about an Order's Unmapped and More.
const (
	Unmapped = "unmapped-events"
	LeftOut  = "left-out-events"
)

// NewNote formats the English text.
func NewNote(name, format string, facts ...any) Note {
	return Note{name, facts, fmt.Sprintf(format, facts...)}
}

// String returns the English text.
func (n Note) String() string { return n.text }

// MarshalText makes JSON and YAML show the English text.
func (n Note) MarshalText() ([]byte, error) { return []byte(n.text), nil }

// UnmarshalText reads what MarshalText wrote.
func (n *Note) UnmarshalText(text []byte) error {
	n.text = string(text)
	return nil
}
