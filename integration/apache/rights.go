package apache

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"strconv"

	"github.com/segmentio/kafka-go"
)

// iterations is the smallest number of SCRAM iterations that Kafka accepts.
const iterations = 4096

// SetPassword creates a user with SCRAM-SHA-256 and SCRAM-SHA-512 credentials, or changes the user's password.
// Established connections stay open.
func (c *Cluster) SetPassword(ctx context.Context, user, password string) error {
	// These are two requests, because Kafka rejects a request that alters a user twice.
	err := errors.Join(
		c.setPassword(ctx, user, password, kafka.ScramMechanismSha256, sha256.New),
		c.setPassword(ctx, user, password, kafka.ScramMechanismSha512, sha512.New),
	)
	if err != nil {
		return fmt.Errorf("password of %s: %w", user, err)
	}
	return nil
}

func (c *Cluster) setPassword(
	ctx context.Context, user, password string, mechanism kafka.ScramMechanism, function func() hash.Hash,
) error {
	// The broker stores what the client computes, so it never sees the password itself (KIP-554).
	salt := []byte(rand.Text())
	salted, err := pbkdf2.Key(function, password, salt, iterations, function().Size())
	if err != nil {
		return err
	}
	return c.ask(func(client *kafka.Client) error {
		answer, err := client.AlterUserScramCredentials(ctx, &kafka.AlterUserScramCredentialsRequest{
			Upsertions: []kafka.UserScramCredentialsUpsertion{{
				Name: user, Mechanism: mechanism, Iterations: iterations, Salt: salt, SaltedPassword: salted,
			}},
		})
		if err != nil {
			return err
		}
		var errs []error
		for _, result := range answer.Results {
			errs = append(errs, result.Error)
		}
		return errors.Join(errs...)
	})
}

// Right is what a user may do with one topic or one group.
type Right struct {
	User         string
	Topic, Group string // one of the two
	Operations   []kafka.ACLOperationType
}

func (r Right) entries() []kafka.ACLEntry {
	resource, name := kafka.ResourceTypeTopic, r.Topic
	if name == "" {
		resource, name = kafka.ResourceTypeGroup, r.Group
	}
	var entries []kafka.ACLEntry
	for _, operation := range r.Operations {
		entries = append(entries, kafka.ACLEntry{
			ResourceType: resource, ResourceName: name, ResourcePatternType: kafka.PatternTypeLiteral,
			Principal: "User:" + r.User, Host: "*", Operation: operation, PermissionType: kafka.ACLPermissionTypeAllow,
		})
	}
	return entries
}

// WorkerRights returns all rights that a worker needs if it does not have to create the topics for events and letters,
// or the ledger. They are the rows of the table in deploy/README.md, so a test of them is a test of that table.
func WorkerRights(user, group, letters string, events ...string) []Right {
	// Each right has its own slice, because tests remove single operations in place.
	reads := func(others ...kafka.ACLOperationType) []kafka.ACLOperationType {
		return append(others,
			kafka.ACLOperationTypeRead, kafka.ACLOperationTypeDescribe, kafka.ACLOperationTypeDescribeConfigs)
	}
	rights := []Right{
		{User: user, Group: group, Operations: []kafka.ACLOperationType{kafka.ACLOperationTypeRead}},
		{User: user, Topic: letters, Operations: reads(kafka.ACLOperationTypeWrite)},
		{User: user, Topic: letters + ".ledger", Operations: reads(kafka.ACLOperationTypeWrite)},
	}
	for _, topic := range events {
		rights = append(rights, Right{User: user, Topic: topic, Operations: reads()})
	}
	return rights
}

// CreateRights returns the rights that a worker needs in addition to [WorkerRights] if it creates the dead-letter topic
// and the ledger.
func CreateRights(user, letters string) []Right {
	create := []kafka.ACLOperationType{kafka.ACLOperationTypeCreate}
	return []Right{
		{User: user, Topic: letters, Operations: create},
		{User: user, Topic: letters + ".ledger", Operations: create},
	}
}

// Allow adds ACLs. They matter only if the cluster was started with Options.Authorize.
func (c *Cluster) Allow(ctx context.Context, rights ...Right) error {
	// The authorizer applies new ACLs a moment after the response. Workers retry until then.
	request := &kafka.CreateACLsRequest{}
	for _, right := range rights {
		request.ACLs = append(request.ACLs, right.entries()...)
	}
	err := c.ask(func(client *kafka.Client) error {
		answer, err := client.CreateACLs(ctx, request)
		if err != nil {
			return err
		}
		return errors.Join(answer.Errors...)
	})
	if err != nil {
		return fmt.Errorf("rights: %w", err)
	}
	return nil
}

// Deny removes ACLs.
func (c *Cluster) Deny(ctx context.Context, rights ...Right) error {
	request := &kafka.DeleteACLsRequest{}
	for _, right := range rights {
		for _, e := range right.entries() {
			request.Filters = append(request.Filters, kafka.DeleteACLsFilter{
				ResourceTypeFilter: e.ResourceType, ResourceNameFilter: e.ResourceName,
				ResourcePatternTypeFilter: e.ResourcePatternType, PrincipalFilter: e.Principal,
				HostFilter: e.Host, Operation: e.Operation, PermissionType: e.PermissionType,
			})
		}
	}
	err := c.ask(func(client *kafka.Client) error {
		answer, err := client.DeleteACLs(ctx, request)
		if err != nil {
			return err
		}
		var errs []error
		for _, result := range answer.Results {
			errs = append(errs, result.Error)
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return fmt.Errorf("rights: %w", err)
	}
	return nil
}

// Replace makes the running node load another PEM file for one of a listener's stores: "keystore" for the certificate
// that the listener presents, or "truststore" for the authorities that it trusts. The file's name must differ from the
// current one, because the broker loads a file only when the setting changes. Each network thread loads it a moment
// later, and established connections stay open.
func (n *Node) Replace(ctx context.Context, listener, store, file string) error {
	name := Listener{Name: listener}.prefix() + "ssl." + store + ".location"
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(n.addr), Transport: transport}
	answer, err := client.IncrementalAlterConfigs(ctx, &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{{
			ResourceType: kafka.ResourceTypeBroker, ResourceName: strconv.Itoa(n.ID),
			Configs: []kafka.IncrementalAlterConfigsRequestConfig{{
				Name: name, Value: file, ConfigOperation: kafka.ConfigOperationSet,
			}},
		}},
	})
	if err == nil {
		err = answer.Resources[0].Error
	}
	if err != nil {
		return fmt.Errorf("node %d: set %s: %w", n.ID, name, err)
	}
	return nil
}

// ask makes a request through the plain listener, where the client is a super user. Each request uses its own
// transport, because a shared one would respond to metadata requests from its cache.
func (c *Cluster) ask(request func(*kafka.Client) error) error {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	return request(&kafka.Client{Addr: kafka.TCP(c.Brokers()...), Transport: transport})
}
