// Package integration tests the built binary from outside, on real parts: Apache Kafka as plain processes and a LeadHit
// look-alike over HTTP. It sees what an operator sees: exit codes, log lines, pages, calls, letters and committed
// offsets; of the worker's own code it imports LeadHit's look-alike and nothing else.
//
// The packages: apache runs Kafka, authority makes its certificates, shop writes the events, program runs the binary.
// nemesis plans faults, audit compares the books afterwards, container starts the image. peer answers in place of a
// broker or of LeadHit. launch starts Kafka for a person, bare is the opponent of the bench, planted is a worker with
// faults that must be found.
//
// Settings of the tests, all optional:
//
//	KAFKA_BROKERS  a cluster of one's own instead of ours
//	KAFKA_VERSION  the release of Apache Kafka to run, from 0.11.0.0 on (4.4.0)
//	KILLS          how many kill -9 a test of them makes (4)
//	RESTARTS       how many clean rolling restarts (2)
//	OUTAGE         how many seconds LeadHit is away (20)
//	DRAIN          for how many seconds there is a backlog to work off after it, at least (24)
//	BROKERS_DOWN   how many seconds two brokers of three are away (20)
//	MEMORY_EVENTS  how many events of 1 MiB there are while LeadHit takes none (150)
//	JOINS          how many members join and leave (30)
//	PAIRS          how many pairs of runs the bench of a stuck order makes (5)
//	CHAOS_MINUTES  how long TestChaos makes trouble (absent: it does not run, TestWorker's short round does)
//	CHAOS_SEED     the seed that another run of chaos printed, to replay its plan
//	CHAOS_DIR      where TestChaos keeps its diaries and the workers' logs
//	IMAGE          a folder with the image of TestImage (absent: it is built)
//	STRICT=true    times are judged by their bounds, as in make bench (else they may be three times as long)
//	CI=true        what is absent fails instead of being skipped loudly
package integration
