// Package lint checks the Kubernetes manifests in the deploy folder, as Kustomize renders them.
//
//	rendering, err := lint.Render("../overlays/ci/minimal")
//	overlay, err := lint.Read(rendering)
//	for _, finding := range overlay.Judge(program) { … }
//
// Mistakes are caught in two ways. Golden renderings in testdata show every change to the applied manifests, for
// review. Rules catch what a reviewer cannot see: a misspelt field, a pod that the Pod Security level "restricted"
// forbids, and disagreement with the program. [ReadProgram] takes the program's settings, paths and time limits from
// the built binary and the source.
//
// The package starts no goroutine, opens no connection and keeps no state. It is a module of its own so that
// Kubernetes' and Prometheus's code stays out of the product's go.mod.
package lint
