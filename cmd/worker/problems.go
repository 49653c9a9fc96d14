package worker

import (
	"fmt"
	"time"

	"leadhit-sync/consumer"
)

// problems describes what blocks work until a person acts: the problem, what it blocks, and what to do.
func (w *Worker) problems(s consumer.State) []string {
	if s.Phase == consumer.Stopped {
		return nil // a stopped worker has no current information
	}
	var all []string
	for _, u := range s.Unreadable {
		all = append(all, fmt.Sprintf("%s/%d is stuck: %v. Restore the events, or skip them: when the group's committed "+
			"offset is %d, stop all workers of the group and run %s", u.Topic, u.Number, u.Err, u.First,
			u.Skip(w.config.Kafka.Group)))
	}
	for _, p := range s.Dispatch.Partitions {
		if held, open := s.HeldBack[p.Partition]; open {
			all = append(all, fmt.Sprintf("%s/%d: an open transaction at offset %d holds back %d events since %s. They are "+
				"read when its producer ends it; if the producer is gone: kafka-transactions.sh abort --topic %s --partition %d "+
				"--start-offset %d", p.Topic, p.Number,
				held.Offset, held.Events, held.Since.UTC().Format(time.RFC3339), p.Topic, p.Number, held.Offset))
		}
	}
	if most := s.Dispatch.MetadataBytes; most < metadataBytes {
		all = append(all, fmt.Sprintf("the brokers accept only %d bytes of metadata with a commit: a waiting order holds "+
			"up its partition. Set offset.metadata.max.bytes to %d on the brokers, then restart the workers", most,
			metadataBytes))
	}
	return append(all, w.fitness.fatal()...)
}
