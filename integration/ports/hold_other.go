//go:build !linux

package ports

import (
	"net"
	"strconv"
)

// hold only checks that nobody listens on the port: other systems have no socket that holds a port for another process.
func hold(port int) (free func() error, err error) {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	return func() error { return nil }, listener.Close()
}
