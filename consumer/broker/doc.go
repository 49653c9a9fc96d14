// Package broker makes the requests to Kafka that the worker and its tools need, over one pool of connections for the
// process. The comment on each result says what the result proves.
//
// [Open] checks the options and makes no connection. All requests are methods of the [Cluster]. This package fetches
// and appends records, and creates topics. The other read-only methods come from package inspect, and the methods for
// commits and groups from package groups. Below them, package kafkaerr judges failures, and package exchange sends
// requests. Package dial opens and guards the connections. Package records decodes what a fetch returns, and package
// wire reads the protocol's types.
//
// # Promises
//
// [Cluster.Fetch] returns the committed records of one partition in offset order. [Batch.Next] is the offset at which
// the next fetch starts. Next never passes a record that was not returned, except records of aborted transactions,
// transaction markers, and holes left by compaction. Next does not advance after an error, such as a cancelled context,
// a truncated response, or a batch whose checksum does not match.
//
// [Cluster.Append] returns nil only when all in-sync replicas have acknowledged all records. No request creates a
// topic, except [Cluster.CreateTopic].
//
// Each request ends when its context does. If neither the caller nor kafka-go sets a deadline, the connection sets its
// own, so no request waits indefinitely for a silent broker.
//
// # Errors
//
// A refusal by a broker, or by kafka-go on its behalf, is a [*kafkaerr.Error], which may match a sentinel in package
// kafkaerr. A batch that cannot be decoded is a [*records.UnreadableError]. Package dial describes the failures of
// connections. Anything else is a failure of the network or of the broker, and may be temporary.
//
// # Goroutines
//
// The package starts no goroutine. kafka-go's pool keeps one per connection and one for the metadata. They end after
// [Cluster.Close], but a goroutine with a request in flight ends only when the response arrives or the deadline passes.
// kafka-go's writers keep a goroutine for each topic that was appended to, and Close waits for these. A Cluster is safe
// for concurrent use.
package broker
