package inspect

import (
	"context"
	"slices"

	"github.com/segmentio/kafka-go/protocol/metadata"

	"leadhit-sync/consumer/broker/kafkaerr"
)

// Rights are the operations that Kafka allows us on a topic or a group, as kafka-acls.sh names them: Read, Write,
// Describe and DescribeConfigs. Nil means that they are not known, because the broker is too old to say.
type Rights []string

// Lack returns the wanted operations that we have no permission for. It returns nil if the rights are not known.
func (r Rights) Lack(wanted ...string) []string {
	if r == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(name string) bool { return slices.Contains(r, name) })
}

// RightsOf reads the authorised operations in a response: one bit for each. The smallest int32 means that the request
// did not ask for them.
func RightsOf(operations int32) Rights {
	if operations <= 0 {
		return nil
	}
	rights := Rights{}
	for _, operation := range []struct {
		bit  int
		name string
	}{{3, "Read"}, {4, "Write"}, {8, "Describe"}, {10, "DescribeConfigs"}} {
		if operations&(1<<operation.bit) != 0 {
			rights = append(rights, operation.name)
		}
	}
	return rights
}

// TopicRights returns our rights on topics. The map has an entry for each topic that exists and that we are allowed to
// see.
func (i *Inspector) TopicRights(ctx context.Context, names ...string) (map[string]Rights, error) {
	described, err := i.metadata(ctx, metadata.Request{TopicNames: names, IncludeTopicAuthorizedOperations: true})
	if err != nil {
		return nil, kafkaerr.New("look up rights", "", -1, err)
	}
	rights := make(map[string]Rights, len(names))
	for _, topic := range described.Topics {
		if topic.ErrorCode == 0 {
			rights[topic.Name] = RightsOf(topic.TopicAuthorizedOperations)
		}
	}
	return rights, nil
}
