package main

import (
	"github.com/spf13/cobra"
)

// lettersCommand shows letters, and dismisses and reopens them. The commands join no group and commit nothing, so they
// may run alongside workers. An empty list is a success with exit code 0; a letter that "letters show" cannot find is a
// failure, because its id was given.
func lettersCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "letters", Short: "Show the dead letters, and dismiss them",
		Long: `Show the dead letters: events that were refused or kept failing, each with its cause.
"replay" sends them again.

A new letter is open. A second topic, the ledger, records each later step. The states of
a letter are open, requeued (a replay is pending), resolved (a replay succeeded),
superseded (its replay was dropped, because a newer event of its order was accepted) and
dismissed.

The commands need DEAD_LETTER_TOPIC and the KAFKA_ settings, except KAFKA_TOPICS and
KAFKA_START. Only dismiss, reopen and options that show values write to the ledger.`,
		Example: `  leadhit-sync letters groups
  leadhit-sync letters list --since 24h
  leadhit-sync letters show orders/3/118273`,
	}
	c.AddCommand(groupsCommand(), listCommand(), showCommand(), dismissCommand(), reopenCommand(), exportCommand(),
		lettersCheckCommand())
	return c
}
