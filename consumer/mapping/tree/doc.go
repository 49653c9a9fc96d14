// Package tree reads the values at declared paths in a JSON document in one pass.
//
// A [Plan] is made once from [Path]s. A [Scanner] then reads one document after another with that plan. For each path
// the scanner keeps the part of the text that is the value: numbers as written, strings with quotes and escapes. It
// builds no tree, because most of an event is never needed, and decoding all of it into maps takes several times as
// long.
//
// The whole text is checked nevertheless. Text that is not JSON is an error, and so is nesting beyond 512 levels
// ([ErrTooDeep]). A name that is used twice in one object is an error at any depth ([ErrDuplicateName]), because
// parsers disagree on which of the two counts. Invalid UTF-8 is not an error, so code that uses a string must check it.
//
// Names are compared exactly, including case. The items of one list, [Plan.Each], are read in the same pass. An element
// that a path addresses from the end of its array is read twice, because the first pass does not know until the end of
// the array which element that is.
package tree
