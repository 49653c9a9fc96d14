// Package spec reads the YAML of mappings and of their cases, and notes every mistake with its line and column.
//
//	var problems spec.Problems
//	file := spec.Read("shop.yaml", "shop", source, &problems)
//	…compile file.Mappings, which may add further problems…
//	return problems.Err() // a *FileError with all of them, or nil
//
// What comes back is the file as it is written: nothing is compiled, no default is filled in, no preset is read. A part
// that is missing has a zero value, a part that cannot be read too, with a problem noted. Names that the language does
// not know are problems. So are codes that YAML readers differ on, see the package mapping.
//
// [ReadCases] reads the cases of "leadhit-sync mapping test" in the same way.
package spec
