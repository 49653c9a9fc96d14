// Package lint judges the Kubernetes manifests of deploy as they come out of Kustomize.
//
// [Render] builds an overlay in memory with the very library of the kustomize program. [Overlay.Judge] decodes each object
// strictly (an unknown or misspelt field is a finding), runs Kubernetes' own pod security checks at "restricted", and then
// rules of ours: what the API server would take and the worker, the group or LeadHit would not. The rules compare objects
// with each other, and with the program: its settings, its paths, its time limits, as [ReadProgram] finds them in the
// built binary and the source.
//
// A rule that cannot fail is no rule: the tests plant a violation of each and see it found.
//
// The package starts no goroutine, connects to nobody and keeps no state. It is a module of its own so that Kubernetes'
// and Prometheus' code stays out of the product's go.mod.
package lint
