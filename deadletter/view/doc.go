// Package view reads the letters' topic and the ledger as people see them: letters with their states, causes and runs.
//
//	v := view.New("leadhit-sync")
//	for each record in the letters' topic { v.Letter(record) }
//	for each record in the ledger { v.Entry(record) }
//	for letter := range v.Letters(view.Filter{Cause: "ValidationError"}) {
//		fmt.Println(letter.ID(), letter.Ledger.State)
//	}
//
// How the two topics interleave does not matter. A View may follow both topics, and may be queried at any time. It
// keeps every letter without its key, headers and value, in about 300 bytes.
//
// Several groups may share a letters' topic. States are separate for each group; a [Filter] selects the letters of one
// group unless AllGroups is set. Letters and entries without a group belong to every group.
//
// The package is pure: no Kafka, clock or goroutine. The strings in letters and entries are not escaped, so callers
// must escape them before showing them on a terminal or a page.
package view
