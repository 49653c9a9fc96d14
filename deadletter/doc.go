// Package deadletter holds the dead letters: what a letter looks like, how it is stored, and how it is read back.
//
// # The letter
//
// A [Letter] is an event that can never succeed, with the reason. As a Kafka record ([Letter.Encode]) it is the event's
// own key, value and headers, byte for byte and in order, nil and empty kept apart; then headers of ours, each at most
// once, UTF-8 text without control characters, 8 KiB together. They bear Kafka Connect's names (__connect.errors.*),
// the one set that independent tools read, and ours (dlq.*). An original header that begins with one of these two
// prefixes is kept as dlq.kept.<name> and gets its name back from [Parse]. Parse(l.Encode()) restores the event exactly.
//
// A letter's identity is where its event stands: topic/partition/offset, and #item where the event names several
// orders. A letter may be stored twice; its identity tells.
//
// # Privacy
//
// Headers show up in every Kafka tool, so they hold nothing of the payload but the order id and the status of the call.
// Messages are scrubbed first: e-mail addresses, quoted text, long numbers such as telephone and card numbers, tokens
// and what follows a word such as "password:" are taken out. An unquoted name or address of a person is not recognised.
//
// # Storing
//
// [Writer.Write] returns nil only when all in-sync replicas acknowledged the letter. Any error means: not known to be
// stored, write it again. The Writer owns the goroutines of its Kafka client; [Writer.Close] waits for them.
// [EnsureTopic] creates the topic. [InspectLetters] and [InspectLedger] judge a topic that somebody else created or altered: each
// [Flaw] names a setting and the value to set, and a fatal one keeps letters from being stored, or loses them.
//
// # The ledger
//
// Beside the letters' topic stands the ledger, in which workers and operators tell each other what all must know; package
// ledger says what an entry is. [Ledger.Append] stores one with the same care as a letter, [EnsureLedger] creates the topic.
// Whoever reads it takes it from its start, in its order.
//
// # Reading
//
// [List] folds records, from wherever they come, into the newest letters that match a [Filter]. Texts
// in them are as they were written: who shows them on a terminal or a page must escape them.
package deadletter
