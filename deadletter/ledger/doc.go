// Package ledger is the form of the ledger: the topic, append-only and of one partition, in which workers and operators
// note what all of them must know. Its order is the order in which entries count.
//
// It is pure: no Kafka, no clock. [Entry.Record] gives the key and the value under which an entry is stored, [Parse] reads
// the value back. What this release does not know is not refused: an entry of another event is read as far as its
// form is common to all ([Entry.Guard] is false), for a ledger outlives releases. Only what is no entry at all, or an entry
// of the guard that nobody could act on, is an error; a reader passes it over.
//
// Several groups may share a letters' topic, and so its ledger. An entry names the group whose workers follow it; one without a
// group, as releases before wrote them, is for all. Those releases ignore the group and follow every entry.
//
// Two events are known: guard.pause says that all workers of the group pause, guard.resume that they go on. A pause that a
// worker's flood guard wrote names the build that wrote the letters and their fingerprints; the next resume accepts those.
package ledger
