// Package operator does what operators ask for: it finds and changes letters, reads orders, and pauses workers. The
// commands and the desk share it, so both do the same.
//
//	r := access.Reader()
//	err := r.Refresh(ctx)                  // reads the letters' topic and the ledger to their ends
//	for l := range r.View.Letters(filter) { … }
//	plan, err := r.Plan(ctx, operator.Selection{Filter: filter, Most: 1000, MaxReplays: 3})
//	summary, err := replay.Run{…}.Do(ctx, plan.Plan, r)
//
// The package joins no group, commits nothing and makes no calls to LeadHit. It writes only to the ledger, which
// Access.WriteEntry creates if it does not exist. Reading creates nothing.
//
// Several goroutines may use an Access. They may also share a Reader, if they use its View only in Look.
package operator
