package deadletter

// HeaderError reports a header that cannot be read.
type HeaderError = headerError

// ErrNotALetter reports a record that is not a letter.
var ErrNotALetter = errNotALetter
