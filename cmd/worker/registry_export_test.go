package worker

import (
	"context"

	"leadhit-sync/consumer/mapping/schema"
)

// RegistryOptions are newRegistry's.
type RegistryOptions = registryOptions

// NewRegistry hands out what the worker makes of the settings, and how to close it.
func NewRegistry(o RegistryOptions) (lookup func(context.Context, int) (*schema.Schema, error), stop func(), err error) {
	r, err := newRegistry(o)
	if err != nil {
		return nil, nil, err
	}
	return r.lookup, r.close, nil
}
