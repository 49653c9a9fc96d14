// Package status is the document that a worker serves at /status. The worker writes it; commands and the desk read it,
// also if the worker is older or newer than they are.
//
// The package holds data alone and needs no other part of the worker.
package status
