package deadletter

// HeaderError reports a header that cannot be read.
type HeaderError = headerError

// ErrNotALetter reports a record that is no letter.
var ErrNotALetter = errNotALetter
