package broker

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Retention returns how old an event of the topic may grow before the cluster deletes it. limited is false where age alone
// deletes nothing, and where the cluster does not let us ask. What retention.bytes deletes earlier is not foreseen.
func (c *Cluster) Retention(ctx context.Context, topic string) (age time.Duration, limited bool, err error) {
	const retention, policy = "retention.ms", "cleanup.policy"
	settings, err := c.topicSettings(ctx, topic, retention, policy)
	if err != nil || settings == nil {
		return 0, false, err
	}
	if p := settings[policy]; p != "" && !strings.Contains(p, "delete") {
		return 0, false, nil
	}
	millis, err := strconv.ParseInt(settings[retention], 10, 64)
	if err != nil {
		return 0, false, newError("describe settings", topic, -1, fmt.Errorf("%s: %w", retention, err))
	}
	// Kafka takes any number of milliseconds, a Duration 292 years of them.
	const most = int64(1<<63-1) / int64(time.Millisecond)
	if millis < 0 || millis > most {
		return 0, false, nil
	}
	return time.Duration(millis) * time.Millisecond, true, nil
}
