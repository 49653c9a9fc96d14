package inspect

import "github.com/segmentio/kafka-go"

// OldRelease names the release of a broker that supports the given versions, if the release is too old.
func OldRelease(versions []kafka.ApiVersion) string { return oldRelease(versions) }
