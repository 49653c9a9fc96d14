package broker

import (
	"context"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go/protocol/metadata"
)

// Right is something that Kafka may allow a user to do to a topic or a group. Its number is Kafka's.
type Right uint8

// The rights that a worker needs.
const (
	Read            Right = 3
	Write           Right = 4
	Describe        Right = 8
	DescribeConfigs Right = 10
)

// String returns the right's name, as kafka-acls.sh takes it.
func (r Right) String() string {
	switch r {
	case Read:
		return "Read"
	case Write:
		return "Write"
	case Describe:
		return "Describe"
	case DescribeConfigs:
		return "DescribeConfigs"
	}
	return fmt.Sprintf("operation %d", uint8(r))
}

// Rights are what the cluster allows us; the zero value is not known, which old brokers leave it.
type Rights uint32

// Lack returns those of the rights that we do not have. It returns none where they are not known.
func (r Rights) Lack(wanted ...Right) []Right {
	if r == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(w Right) bool { return r&(1<<w) != 0 })
}

// rightsOf reads the field of an answer: a bit for each operation, or the least number, which says that it was not asked.
func rightsOf(operations int32) Rights {
	if operations < 0 {
		return 0
	}
	return Rights(operations)
}

// TopicRights asks what we may do to topics, and returns an entry for each that exists and that we may see.
func (c *Cluster) TopicRights(ctx context.Context, names ...string) (map[string]Rights, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()

	x := &exchange{clientID: c.clientID, least: oldestMetadata, message: &metadata.Request{
		TopicNames: append([]string{}, names...), IncludeTopicAuthorizedOperations: true,
	}}
	response, _, err := c.roundTrip(ctx, x, x)
	if err != nil {
		return nil, newError("ask for rights", "", -1, err)
	}
	described, ok := response.(*metadata.Response)
	if !ok {
		return nil, newError("ask for rights", "", -1, fmt.Errorf("response is a %T", response))
	}
	rights := make(map[string]Rights, len(names))
	for _, topic := range described.Topics {
		if topic.ErrorCode == 0 {
			rights[topic.Name] = rightsOf(topic.TopicAuthorizedOperations)
		}
	}
	return rights, nil
}
