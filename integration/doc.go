// Package integration tests the built binary from the outside, with real Apache Kafka and a LeadHit look-alike over
// HTTP. The tests check what an operator sees: exit codes, log lines, pages, calls, letters and committed offsets. The
// only product code that they import is the look-alike, so that they share no bug with the worker.
//
// The packages: apache runs Kafka, authority issues its certificates, shop writes the events, and program runs the
// binary. nemesis plans faults, and audit compares the evidence after a run. container runs the image. peer speaks the
// wrong protocol at a broker's or LeadHit's address. ports reserves ports for servers that are killed and restarted.
// handmade writes records that no client would write. browser opens pages in Chromium, and desk tests the desk's pages
// with it. launch starts Kafka for manual experiments. bare is the benchmark's baseline: a loop without Kafka. planted
// is a worker with faults that the audit must find. mutation plants faults in the code, which the unit tests must
// detect.
//
// Environment variables, all optional:
//
//	KAFKA_BROKERS  an existing cluster to use instead of starting one
//	KAFKA_VERSION  the release of Apache Kafka to run, 0.11.0.0 or later (4.4.0)
//	KILLS          number of SIGKILLs in the test of crashes (4)
//	SUCCESSIONS    number of SIGKILLs, each followed by a restart at the same address (2)
//	RESTARTS       number of rolling restarts (2)
//	OUTAGE         seconds for which LeadHit is down (20)
//	DRAIN          minimum seconds of backlog after the outage (24)
//	BROKERS_DOWN   seconds for which two of three brokers are down (20)
//	MEMORY_EVENTS  number of events of 1 MiB while LeadHit is down (150)
//	JOINS          number of members that join and leave (30)
//	ROLLOUTS       number of rolling updates of a Deployment (1)
//	PAIRS          pairs of runs in the benchmark of a stuck order (5)
//	ROUNDS         number of turns in BenchmarkWorker, and of runs in BenchmarkManyLetters (3)
//	BASELINE       path of another leadhit-sync binary, which BenchmarkWorker measures too
//	IDLE_SECONDS   seconds for which BenchmarkIdleWorker measures (60)
//	CHAOS_MINUTES  duration of TestChaos (absent: it does not run, but TestWorker runs a short round)
//	CHAOS_SEED     seed that an earlier run printed, to replay its plan
//	CHAOS_DIR      folder for the logs of TestChaos: each round's own log and the workers' logs
//	IMAGE          folder with the image for TestImage (absent: the test builds it)
//	WORKER_RACE    true: the worker is built with the race detector
//	STRICT=true    times are compared with their exact bounds, as in make bench (otherwise with 3 times the bounds)
//	CI=true        a missing requirement fails tests instead of skipping them
package integration
