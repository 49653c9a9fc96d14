package broker_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"leadhit-sync/consumer/broker"
)

func TestMembersAreThoseThatAreInTheGroup(t *testing.T) {
	t.Parallel()
	fake := fakeKafka(t, kfake.NumBrokers(3))
	cluster := open(t, fake)
	if found, err := cluster.Members(t.Context(), "shop"); err != nil || found.Exists || len(found.Members) != 0 {
		t.Errorf("got %+v, %v of a group that never was, want none", found, err)
	}
	var clients []*kgo.Client
	for _, id := range []string{"leadhit-sync", "leadhit-sync", "somebody"} {
		client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.ConsumerGroup("shop"), kgo.ConsumeTopics("orders"), kgo.ClientID(id))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		clients = append(clients, client)
	}
	want := []string{"leadhit-sync", "leadhit-sync", "somebody"}
	var found broker.Membership
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var err error
		if found, err = cluster.Members(t.Context(), "shop"); err != nil && !errors.Is(err, broker.ErrCoordinator) {
			t.Fatal(err)
		}
		if slices.Sort(found.Members); slices.Equal(found.Members, want) {
			break
		}
	}
	if !found.Exists || !slices.Equal(found.Members, want) {
		t.Errorf("got %+v, want %q", found, want)
	}
	for _, client := range clients {
		client.LeaveGroup()
	}
	if found, err := cluster.Members(t.Context(), "shop"); err != nil || len(found.Members) != 0 {
		t.Errorf("got %+v, %v after all have left, want none", found, err)
	}
}

func TestMembersOfAGroupThatMayNotBeSeen(t *testing.T) {
	t.Parallel()
	for code, want := range map[*kerr.Error]error{
		kerr.GroupAuthorizationFailed:  broker.ErrUnauthorised,
		kerr.CoordinatorLoadInProgress: broker.ErrCoordinator,
	} {
		fake := fakeKafka(t)
		fake.ControlKey(int16(kmsg.DescribeGroups), func(r kmsg.Request) (kmsg.Response, error, bool) {
			fake.KeepControl()
			request, _ := r.(*kmsg.DescribeGroupsRequest)
			response, _ := request.ResponseKind().(*kmsg.DescribeGroupsResponse)
			group := kmsg.NewDescribeGroupsResponseGroup()
			group.Group, group.ErrorCode = request.Groups[0], code.Code
			response.Groups = append(response.Groups, group)
			return response, nil, true
		})
		found, err := open(t, fake).Members(t.Context(), "shop")
		// A cluster that never had a group has no coordinators: kfake has no __consumer_offsets.
		if want == broker.ErrCoordinator && err == nil && !found.Exists {
			continue
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: got %+v, %v, want %v", code.Message, found, err, want)
		}
	}
}
