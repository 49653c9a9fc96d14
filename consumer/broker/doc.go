// Package broker is the Kafka wire of one process: one dial function, one connection pool, and the few requests that
// the worker and its tools need, each with an answer that says what it proves.
//
// # Promises
//
// [Cluster.Fetch] returns the committed records of one partition in offset order and the offset to ask for next. Next
// never passes a record that was not returned, except those that nobody is to see: records of aborted transactions,
// transaction markers and holes left by compaction. It never moves on an error: not on a dead context, not on a response
// cut short, not on a batch whose checksum does not match.
//
// [Cluster.Commit] says of each partition whether the commit is acknowledged, refused, may be sent again, or is
// ambiguous. Again stands only for what the broker answered as not done, or for what was withdrawn before its first byte
// was written; everything in doubt is [Ambiguous].
//
// No call outlasts its context, and none outlasts a silent broker: where neither the caller nor kafka-go sets a deadline,
// the connection sets its own.
//
// # Errors
//
// What a broker refused, or what kafka-go found out for it, is an [*Error] that matches one of this package's sentinels
// with errors.Is; codes stay in here. Anything that matches none of them is a failure of the network or of the broker,
// to be tried again.
//
// # Goroutines
//
// The package starts none. kafka-go's pool keeps one per connection and one for the metadata; they end after
// [Cluster.Close], those with a request on the wire when it is answered or its deadline passes. A Cluster is safe for
// concurrent use.
package broker
