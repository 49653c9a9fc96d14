// Package deadletter defines dead letters: their form as Kafka records, and the required configuration of their topics.
// It does not connect to Kafka; package broker stores the records and reads them back.
//
// # The letter
//
// A [Letter] is an event that was refused or kept failing, with the reason. As a record ([Letter.Encode]), it has the
// event's own key, value and headers, byte for byte and in order. Our headers follow, each at most once: UTF-8 text
// without control characters, at most 8 KiB in total. Some have Kafka Connect's names (__connect.errors.*), which other
// tools read; the rest have names of our own (dlq.*). An original header with one of these two prefixes is stored as
// dlq.kept.<name>, and [Parse] restores its name. Parse(l.Encode()) restores the event exactly.
//
// A letter's identity is the place of its event: topic/partition/offset, followed by #item if the event names several
// orders. A letter may be stored twice, under the same identity.
//
// # Privacy
//
// Headers show up in every Kafka tool, so they contain nothing from the payload except the order id and the status of
// the call. A message is scrubbed before it becomes a header. Scrubbing removes e-mail addresses, quoted text, long
// numbers such as telephone and card numbers, tokens, and the text after a word such as "password:". A person's name or
// postal address is recognised only if it is quoted.
//
// # The topics
//
// One topic stores the letters. Another, the ledger, stores pauses, resumes and replays; package ledger defines its
// entries. [InspectLetters] and [InspectLedger] judge these topics by their [Facts], and plan the topics that do not
// exist yet. Each [Flaw] names a setting and the value to set. A fatal flaw means that letters or pauses could not be
// stored, or could be lost. [Inspection.Err] returns it as an [*UnfitError].
//
// # Reading
//
// Package view reads the letters with their states. The strings in a letter are not escaped, so callers must escape
// them before showing them on a terminal or a page.
package deadletter
