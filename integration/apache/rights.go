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

// iterations is the least that Kafka takes.
const iterations = 4096

// SetPassword makes a user of SCRAM-SHA-256 and SCRAM-SHA-512, or gives it another password. Connections that stand go
// on.
func (c *Cluster) SetPassword(ctx context.Context, user, password string) error {
	// A request each: Kafka alters a user once in a request.
	err := errors.Join(
		c.setPassword(ctx, user, password, kafka.ScramMechanismSha256, sha256.New),
		c.setPassword(ctx, user, password, kafka.ScramMechanismSha512, sha512.New),
	)
	if err != nil {
		return fmt.Errorf("password of %s: %w", user, err)
	}
	return nil
}

func (c *Cluster) setPassword(ctx context.Context, user, password string, mechanism kafka.ScramMechanism, function func() hash.Hash) error {
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

// Right is what a user may do to one topic or to one group.
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

// WorkerRights are all that a worker of leadhit-sync needs where somebody else makes the topics: those with the events,
// of its letters, and of the letters' ledger.
func WorkerRights(user, group, letters string, events ...string) []Right {
	const (
		read, write         = kafka.ACLOperationTypeRead, kafka.ACLOperationTypeWrite
		describe, configure = kafka.ACLOperationTypeDescribe, kafka.ACLOperationTypeDescribeConfigs
	)
	rights := []Right{{User: user, Group: group, Operations: []kafka.ACLOperationType{read}}}
	for _, topic := range []string{letters, letters + ".ledger"} {
		rights = append(rights, Right{User: user, Topic: topic, Operations: []kafka.ACLOperationType{read, write, describe, configure}})
	}
	for _, topic := range events {
		rights = append(rights, Right{User: user, Topic: topic, Operations: []kafka.ACLOperationType{read, describe, configure}})
	}
	return rights
}

// CreateRights are what a worker needs beside [WorkerRights] to make the topics of its letters and of their ledger
// itself.
func CreateRights(user, letters string) []Right {
	var rights []Right
	for _, topic := range []string{letters, letters + ".ledger"} {
		rights = append(rights, Right{User: user, Topic: topic, Operations: []kafka.ACLOperationType{kafka.ACLOperationTypeCreate}})
	}
	return rights
}

// Allow adds ACLs. The cluster asks for them if it was started with Options.Authorize.
func (c *Cluster) Allow(ctx context.Context, rights ...Right) error {
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

// Deny takes ACLs away again.
func (c *Cluster) Deny(ctx context.Context, rights ...Right) error {
	request := &kafka.DeleteACLsRequest{}
	for _, right := range rights {
		for _, e := range right.entries() {
			request.Filters = append(request.Filters, kafka.DeleteACLsFilter{
				ResourceTypeFilter: e.ResourceType, ResourceNameFilter: e.ResourceName, ResourcePatternTypeFilter: e.ResourcePatternType,
				PrincipalFilter: e.Principal, HostFilter: e.Host, Operation: e.Operation, PermissionType: e.PermissionType,
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

// Keystore makes the node show another key and certificate on a listener, and Truststore trust other authorities there,
// out of a PEM file of another name than the one before. Each of the node's network threads takes it up by itself, a
// moment later; connections that stand go on.
func (n *Node) Keystore(ctx context.Context, listener, file string) error {
	return n.set(ctx, Listener{Name: listener}.prefix()+"ssl.keystore.location", file)
}

// Truststore is beside Keystore.
func (n *Node) Truststore(ctx context.Context, listener, file string) error {
	return n.set(ctx, Listener{Name: listener}.prefix()+"ssl.truststore.location", file)
}

// set changes a setting of the running node.
func (n *Node) set(ctx context.Context, name, value string) error {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(n.addr), Transport: transport}
	answer, err := client.IncrementalAlterConfigs(ctx, &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{{
			ResourceType: kafka.ResourceTypeBroker, ResourceName: strconv.Itoa(n.id),
			Configs: []kafka.IncrementalAlterConfigsRequestConfig{{Name: name, Value: value, ConfigOperation: kafka.ConfigOperationSet}},
		}},
	})
	if err != nil {
		return fmt.Errorf("node %d: setting %s: %w", n.id, name, err)
	}
	for _, resource := range answer.Resources {
		if resource.Error != nil {
			return fmt.Errorf("node %d: setting %s: %w", n.id, name, resource.Error)
		}
	}
	return nil
}

// ask makes a request by the plain listener.
func (c *Cluster) ask(request func(*kafka.Client) error) error {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	return request(&kafka.Client{Addr: kafka.TCP(c.Brokers()...), Transport: transport})
}
