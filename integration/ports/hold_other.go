//go:build !linux

package ports

import (
	"net"
	"strconv"
)

// hold only checks that no process listens on the port. On other systems, no socket can reserve a port for another
// process.
func hold(port int) (free func() error, err error) {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	return func() error { return nil }, listener.Close()
}
