// Package ports reserves ports on 127.0.0.1 for servers that other processes start, stop and restart.
//
// A program that looks for a free port and releases it leaves a gap: until the server listens, and each time the server
// is down, another program may take the port. Here the port stays bound, by a socket that does not listen.
package ports

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// The range from lowest to highest is below the ephemeral ports, which systems assign themselves.
const lowest, highest, tries = 20000, 32000, 1000

// Reserved holds ports for servers that set SO_REUSEADDR, as Go and Java servers do.
type Reserved struct {
	Numbers []int

	free []func() error
}

// Reserve reserves count ports. On Linux no other program gets one of them until Close or the end of this process.
// Elsewhere the ports were free a moment ago, but nothing keeps other programs from using them.
func Reserve(count int) (*Reserved, error) {
	r := &Reserved{}
	for range tries {
		if len(r.Numbers) == count {
			return r, nil
		}
		port := lowest + rand.IntN(highest-lowest)
		free, err := hold(port)
		if err != nil {
			continue
		}
		r.Numbers, r.free = append(r.Numbers, port), append(r.free, free)
	}
	err := fmt.Errorf("cannot find %d free ports between %d and %d on 127.0.0.1", count, lowest, highest)
	return nil, errors.Join(err, r.Close())
}

// Address returns the address, host:port, of the port with the given index.
func (r *Reserved) Address(index int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.Numbers[index]))
}

// Close releases the ports. Closing twice is harmless.
func (r *Reserved) Close() error {
	var errs []error
	for _, free := range r.free {
		errs = append(errs, free())
	}
	r.free = nil
	return errors.Join(errs...)
}
