// Package status defines the document that a worker serves at /status. The worker writes it; commands and the desk
// read it, even if the worker is older or newer than they are.
//
// The package holds only data and needs no other part of the worker.
package status
