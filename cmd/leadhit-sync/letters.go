package main

import (
	"github.com/spf13/cobra"
)

// lettersCommand shows letters, and closes them by hand. The commands join no group and commit nothing, so they may run
// beside workers. An empty list is a success with exit code 0; a letter that show cannot find is a failure, because its
// id was given.
func lettersCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "letters", Short: "Show the dead letters, and dismiss them",
		Long: `Show the dead letters: events that can never succeed, each with its cause. "replay"
sends them again.

A letter is open until a replay of it succeeds or somebody dismisses it; the ledger, the
topic beside the letters, has every such step. Its states are open, requeued (a replay
waits), resolved, superseded (a newer event of its order was accepted) and dismissed.

The commands need DEAD_LETTER_TOPIC and the KAFKA_ settings, except KAFKA_TOPICS and
KAFKA_START. All but dismiss, reopen and those that show values only read.`,
		Example: `  leadhit-sync letters groups
  leadhit-sync letters list --since 24h
  leadhit-sync letters show orders/3/118273`,
	}
	c.AddCommand(groupsCommand(), listCommand(), showCommand(), dismissCommand(), reopenCommand(), exportCommand(),
		lettersCheckCommand())
	return c
}
