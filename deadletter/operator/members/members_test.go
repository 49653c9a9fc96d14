package members_test

import (
	"errors"
	"strings"
	"testing"

	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/deadletter/operator/members"
)

func TestUnknownFollowersAreReported(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		followers members.Followers
		want      string
	}{
		"one worker": {members.Followers{Group: "shop", Workers: 1}, "1 worker of group shop follows within seconds"},
		"a foreign member": {
			members.Followers{Group: "shop", Workers: 2, Others: 1},
			"2 workers of group shop follow within seconds; other members: 1",
		},
		"only foreign members": {
			members.Followers{Group: "shop", Others: 3},
			"no worker of group shop is running; workers that start later will follow; other members: 3",
		},
		"not allowed": {
			members.Followers{Group: "shop", Unknown: kafkaerr.ErrUnauthorised},
			"that follow: grant Describe on group shop",
		},
		"no response": {members.Followers{Group: "shop", Unknown: errors.New("EOF")}, "that follow: EOF"},
	} {
		if got := c.followers.String(); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q in it", name, got, c.want)
		}
	}
}
