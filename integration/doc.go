// Package integration tests the built binary from outside, on real parts: Apache Kafka as plain processes and a LeadHit look-alike
// over HTTP. It sees what an operator sees: exit codes, log lines, pages, calls, letters and committed offsets; of the worker's own
// code it imports nothing.
//
// The rooms: apache runs Kafka, shop writes the events, program runs the binary, audit compares the books afterwards; launch starts
// Kafka for a person, bare is the bench's opponent.
//
// Settings of the tests, all optional:
//
//	KAFKA_BROKERS  a cluster of one's own instead of ours
//	KILLS          how many kill -9 a test of them makes (4)
//	RESTARTS       how many clean rolling restarts (2)
//	CI=true        what is absent fails instead of being skipped loudly
package integration
