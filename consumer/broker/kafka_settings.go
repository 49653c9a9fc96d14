package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"
)

// CommitMetadataBytes returns how much metadata every broker takes with a commit: the smallest offset.metadata.max.bytes.
// known is false where the cluster does not let us ask, for which it wants DescribeConfigs on itself.
func (c *Cluster) CommitMetadataBytes(ctx context.Context) (least int, known bool, err error) {
	const setting = "offset.metadata.max.bytes"
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()

	brokers, err := c.brokerNames(ctx)
	if err != nil {
		return 0, false, newError("describe brokers", "", -1, err)
	}
	asked := make([]kafka.DescribeConfigRequestResource, len(brokers))
	for i, name := range brokers {
		asked[i] = kafka.DescribeConfigRequestResource{
			ResourceType: kafka.ResourceTypeBroker, ResourceName: name, ConfigNames: []string{setting},
		}
	}
	response, err := c.client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: asked})
	if err != nil {
		return 0, false, newError("describe brokers", "", -1, err)
	}
	for _, resource := range response.Resources {
		if resource.Error != nil {
			if err = newError("describe brokers", "", -1, resource.Error); errors.Is(err, ErrUnauthorised) {
				err = nil
			}
			return 0, false, err
		}
		if n, ok := numberOf(resource.ConfigEntries, setting); ok && (!known || n < least) {
			least, known = n, true
		}
	}
	return least, known, nil
}

func numberOf(entries []kafka.DescribeConfigResponseConfigEntry, setting string) (n int, ok bool) {
	for _, entry := range entries {
		if n, err := strconv.Atoi(entry.ConfigValue); entry.ConfigName == setting && err == nil {
			return n, true
		}
	}
	return 0, false
}

// brokerNames are the ids of the brokers that are alive, as resources are named.
func (c *Cluster) brokerNames(ctx context.Context) ([]string, error) {
	x := &exchange{message: &metadata.Request{TopicNames: []string{}}, clientID: c.clientID}
	response, _, err := c.roundTrip(ctx, x, x)
	if err != nil {
		return nil, err
	}
	described, ok := response.(*metadata.Response)
	if !ok {
		return nil, fmt.Errorf("response is a %T", response)
	}
	names := make([]string, len(described.Brokers))
	for i, b := range described.Brokers {
		names[i] = strconv.Itoa(int(b.NodeID))
	}
	return names, nil
}
