package ports

import "syscall"

// hold binds the port, and fails if any other socket is bound to the port. It then lets sockets that set SO_REUSEADDR
// bind the port too. Linux lets one of these listen.
func hold(port int) (free func() error, err error) {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	free = func() error { return syscall.Close(socket) }
	if err = syscall.Bind(socket, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err == nil {
		err = syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	}
	if err != nil {
		_ = free()
		return nil, err
	}
	return free, nil
}
