package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"leadhit-sync/cmd/terminal"
	"leadhit-sync/config"
	"leadhit-sync/consumer/broker"
	"leadhit-sync/consumer/broker/kafkaerr"
	"leadhit-sync/consumer/scan"
	"leadhit-sync/deadletter"
)

// lettersCommand only reads. An operator looks for the cause here, corrects the mapping or the shop, and sends the
// events again. The commands join no group and commit nothing, so they may run beside workers. An empty list is a
// success with exit code 0; a letter that show cannot find is a failure, because its id was given.
func lettersCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "letters", Short: "Show the dead letters",
		Long: `Show the dead letters: events that can never succeed, each with its cause.

Both commands only read. They need DEAD_LETTER_TOPIC and the KAFKA_ settings, except
KAFKA_TOPICS and KAFKA_START.`,
		Example: `  leadhit-sync letters list --since 24h
  leadhit-sync letters show orders/3/118273`,
	}
	c.AddCommand(listCommand(), showCommand())
	return c
}

func listCommand() *cobra.Command {
	var q lettersQuery
	var since sinceFlag
	var output outputForm
	c := &cobra.Command{
		Use: "list", Short: "List the newest dead letters",
		Example: `  leadhit-sync letters list --cause ValidationError --since 24h
  leadhit-sync letters list --order 4711 -o json`,
		RunE: func(c *cobra.Command, _ []string) error {
			if q.Limit < 1 {
				return usageError{errors.New("--limit must be 1 or more")}
			}
			q.Since = since.from
			// The whole topic is read for any filter: Kafka has no index of causes or orders. So a large topic takes
			// time, while the memory depends on --limit.
			found, err := readLetters(c.Context(), c.ErrOrStderr(), q)
			if err != nil {
				return err
			}
			w := c.OutOrStdout()
			if output == "json" {
				return printLettersJSON(w, found)
			}
			return lettersPage(found).Print(w)
		},
	}
	f := c.Flags()
	f.StringVar(&q.Cause, "cause", "", "only this cause, such as ValidationError")
	f.StringVar(&q.Topic, "topic", "", "only events of this topic")
	f.StringVar(&q.OrderID, "order", "", "only this order id")
	f.StringVar(&q.Fingerprint, "fingerprint", "", "only this fingerprint, such as v1:9f2c41d07ab3")
	f.Var(&since, "since", "only letters since this time: 24h, 7d or an RFC 3339 time")
	f.BoolVar(&q.everyGroup, "all-groups", false, "include letters of other groups that share the topic")
	f.IntVar(&q.Limit, "limit", 50, "number of letters to list, newest first")
	outputFlag(c, &output)
	return c
}

// showCommand hides the value unless --reveal is given: terminals are recorded, and screens are shared. Of letters with
// one id it shows the last, which has the newest cause.
func showCommand() *cobra.Command {
	var output outputForm
	var reveal, everyGroup bool
	c := &cobra.Command{
		Use: "show ID", Short: "Show one dead letter, such as orders/3/118273",
		Example: `  leadhit-sync letters show orders/3/118273
  leadhit-sync letters show orders/3/118273 --reveal -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkID(args[0]); err != nil {
				return err
			}
			found, err := readLetters(c.Context(), c.ErrOrStderr(),
				lettersQuery{deadletter.Filter{ID: args[0], Limit: 1}, everyGroup})
			if err != nil {
				return err
			}
			if len(found.Letters) == 0 {
				return fmt.Errorf("no letter %s: it may have expired; \"letters list\" shows the ids", args[0])
			}
			if output == "json" {
				return printLetterJSON(c.OutOrStdout(), found.Letters[0], reveal)
			}
			return printLetter(c.OutOrStdout(), found.Letters[0], reveal)
		},
	}
	outputFlag(c, &output)
	c.Flags().BoolVar(&everyGroup, "all-groups", false, "include letters of other groups that share the topic")
	c.Flags().BoolVar(&reveal, "reveal", false, "also print the event's value, which may contain personal data")
	return c
}

// lettersQuery selects letters. Groups may share a dead-letter topic, so by default it selects those of KAFKA_GROUP.
// Letters without a group are always selected.
type lettersQuery struct {
	deadletter.Filter

	everyGroup bool // include letters of groups other than KAFKA_GROUP
}

// checkID refuses text that cannot be a letter's id. A common mistake is to give the order's id. The check costs
// nothing, while a search for it would read the whole topic to find none.
func checkID(id string) error {
	place, item, several := strings.Cut(id, "#") // of an event that names several orders: orders/3/118273#1
	parts := strings.Split(place, "/")           // a topic's name has neither # nor slash
	if (!several || isNumber(item)) && len(parts) == 3 && isNumber(parts[1]) && isNumber(parts[2]) {
		return nil
	}
	return usageError{fmt.Errorf("%q is not a letter's id: want TOPIC/PARTITION/OFFSET, such as orders/3/118273; "+
		"\"letters list --order ID\" shows the letters of one order", id)}
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 63)
	return err == nil
}

// readLetters reads the letters' topic from its start to its current end. It reports on stderr how many letters of
// other groups it left out. It reads uncommitted records, because workers write letters without transactions. Another
// producer's open transaction must not hide them. The end is fixed at the start, so the command ends even while letters
// arrive. It waits up to 30 s for a partition without a leader (package scan), and never creates the topic.
func readLetters(ctx context.Context, stderr io.Writer, q lettersQuery) (found deadletter.Listing, err error) {
	settings, err := config.LoadKafka()
	if err != nil {
		return found, err
	}
	topic := settings.DeadLetter.Topic
	if !q.everyGroup {
		q.Group = settings.Kafka.Group
	}
	err = withKafka(ctx, stderr, settings, func(ctx context.Context, cluster *broker.Cluster, n *terminal.Notice) error {
		records := scan.Records(ctx, cluster, scan.Range{
			Topic: topic, Uncommitted: true,
			Progress: func(int64, int64) { n.Answered() },
		})
		found, err = deadletter.List(records, q.Filter)
		return err
	})
	// A missing topic is a failure and not an empty list: with a misspelt name, "no letters" would be false comfort.
	if errors.Is(err, kafkaerr.ErrUnknownPartition) {
		return found, fmt.Errorf("topic %s does not exist: no letter was written yet, or KAFKA_GROUP or DEAD_LETTER_TOPIC "+
			"is wrong", topic)
	}
	if err != nil {
		return found, fmt.Errorf("read %s: %w", topic, err)
	}
	// On stderr, so that JSON on stdout stays valid.
	for _, group := range slices.Sorted(maps.Keys(found.Elsewhere)) {
		_, _ = fmt.Fprintf(stderr, "not shown: %s of group %s; --all-groups shows them\n",
			count(found.Elsewhere[group], "letter"), terminal.Quote(group))
	}
	return found, nil
}
