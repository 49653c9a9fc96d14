// Package status is the document that a worker serves at /status. The worker writes it; commands and the desk read it,
// including that of older and newer workers.
//
// The package holds data alone and needs no other part of the worker.
package status
