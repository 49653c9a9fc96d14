// Package life works out what happened to the events of one order.
//
// Callers collect the facts: the events and what the current mapping makes of them, the group's commits, what the
// workers do, and the letters with the ledger. This package combines these facts, and says about each event only what
// follows from them.
//
// The package is pure: no Kafka, clock or goroutine. Its types are the JSON form of "leadhit-sync order".
package life
