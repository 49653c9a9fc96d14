// Package broker speaks Kafka's protocol for one process. It has one dial function, one connection pool, and the
// requests that the worker and its tools need. Each result says what it proves.
//
// [Open] checks the options and makes no connection. All requests are methods of the [Cluster].
//
// # Promises
//
// [Cluster.Fetch] returns the committed records of one partition in offset order, and the offset to ask for next. Next
// never passes a record that was not returned, except records of aborted transactions, transaction markers, and holes
// left by compaction. Next does not move on an error: a dead context, a response cut short, a batch whose checksum does
// not match.
//
// [Cluster.Commit] says of each partition whether the commit is acknowledged, refused, may be sent again, or is
// ambiguous. Again means that the broker reported it as not applied, or that it was withdrawn before its first byte was
// written. Any other outcome is [Ambiguous].
//
// [Cluster.Append] returns nil only when all in-sync replicas acknowledged the record. No request creates a topic,
// except [Cluster.CreateTopic].
//
// No call outlasts its context, and none outlasts a silent broker: where neither the caller nor kafka-go sets a
// deadline, the connection sets its own.
//
// # Errors
//
// A refusal by a broker, or by kafka-go on its behalf, is an [*Error] that matches one of this package's sentinels with
// errors.Is; callers need no codes of Kafka. Anything that matches none of them is a failure of the network or of the
// broker, and may be temporary.
//
// # Goroutines
//
// The package starts none. kafka-go's pool keeps one per connection and one for the metadata. They end after
// [Cluster.Close]; those with a request in flight end when its response arrives or its deadline passes. kafka-go's
// writers keep one for each topic that was appended to, and Close waits for it. A Cluster is safe for concurrent use.
package broker
