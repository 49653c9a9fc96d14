package main

import (
	"context"

	"leadhit-sync/config"
	"leadhit-sync/consumer/mapping"
	"leadhit-sync/deadletter/operator"
)

// mapped holds the workers' topics and mapping, if the settings in this shell name them. A plan shows what a letter
// becomes only if the mapping is known.
type mapped struct {
	topics  []string         // nil: not known
	mapping *mapping.Mapping // nil: not known
	why     string           // why the mapping is not known
	close   func()
}

// replaySettings loads what a replay needs. Topics and mapping are optional, because they are the workers' settings,
// and an operator's shell may lack them.
func replaySettings() (*config.Config, mapped, error) {
	settings, lacking := config.LoadPreview()
	if lacking != nil {
		settings, err := config.LoadKafka()
		if err != nil {
			return nil, mapped{}, err
		}
		return settings, mapped{why: "KAFKA_TOPICS and MAPPING of the workers are not set here", close: func() {}}, nil
	}
	m, closing, wrong := openMapping(settings)
	if wrong != nil {
		m = nil
	}
	return settings, mapped{settings.Kafka.Topics, m, "the mapping cannot be loaded here", closing}, nil
}

// replayPlan is a plan, plus what the command line adds.
type replayPlan struct {
	operator.Plan

	Group, Filter string
	Rate          float64
}

// plan reads the letters and the ledger to their ends, and plans the replay.
func (o *replayOptions) plan(ctx context.Context, r *operator.Reader) (replayPlan, error) {
	p, err := r.Plan(ctx, operator.Selection{
		Filter: o.selected.filter, Most: o.limit, MaxReplays: o.max, Force: o.force,
	})
	return replayPlan{Plan: p, Group: r.Group, Filter: o.selected.filter.String(), Rate: float64(o.rate)}, err
}
