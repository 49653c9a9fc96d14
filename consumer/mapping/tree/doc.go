// Package tree reads the values at declared paths of a JSON text in one pass.
//
// A [Plan] is made once of [Path]s; a [Scanner] then walks one text after another along it and keeps, for each path, the
// slice of the text that stands there: numbers as written, strings with their escapes. Nothing is built of what no path
// leads to, though all of it is checked: text that is not JSON, a duplicate name at any depth (parsers disagree on which
// of the two counts) and a depth beyond [MaxDepth] are an [Error]. Broken UTF-8 is not: who uses a string has to look.
//
// Names are compared exactly, case included. Paths that count from the end of an array have their element read twice,
// since which element it is shows only at the end. The items of one list, [Plan.Each], are read in the same pass.
package tree
