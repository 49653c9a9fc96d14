// Package spec reads the YAML files of mappings and their cases, and reports every mistake with its line and column.
//
//	var problems spec.Problems
//	file := spec.Read("shop.yaml", "shop", source, &problems)
//	…compile file.Mappings, which may add further problems…
//	return problems.Err() // a *FileError with all of them, or nil
//
// [Read] returns the file as it is written: it compiles nothing, sets no defaults and reads no preset. A part that is
// missing or unreadable has its zero value; an unreadable part is also a problem. Unknown names are problems, and so
// are codes that YAML readers understand differently; see package mapping.
//
// [ReadCases] reads the cases of "leadhit-sync mapping test" in the same way.
package spec
