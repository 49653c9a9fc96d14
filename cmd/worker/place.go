package worker

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

// Together these files identify a network, in which only one process at a time can listen on an address. bootFile
// contains a random id, which is new after each boot and the same in all containers on a machine. networkLink names the
// network namespace by its number in the kernel. A container that is restarted in its pod keeps the pod's namespace.
const (
	bootFile    = "/proc/sys/kernel/random/boot_id"
	networkLink = "/proc/self/ns/net"
)

// placeOf returns the client id of a worker that listens on addr (HTTP_ADDR). The id is unique to the address in its
// network, so while a worker listens there, no other process can have the same id. Host names or the members' addresses
// would not be unique, because two containers may have the same name, and behind a NAT the same address.
//
// It returns "" if the place is not known: the port is 0, the host is a name, or the system is not Linux.
func placeOf(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" || strings.Trim(port, "0") == "" {
		return ""
	}
	if _, err := netip.ParseAddr(host); host != "" && err != nil {
		return ""
	}
	boot, err := os.ReadFile(bootFile)
	if err != nil || len(strings.TrimSpace(string(boot))) == 0 {
		return ""
	}
	network, err := os.Readlink(networkLink)
	if err != nil || network == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{strings.TrimSpace(string(boot)), network, addr}, "\x00")))
	name, err := os.Hostname()
	if err != nil {
		name = "unknown-host"
	}
	return clientID + "-" + plain(name) + "-" + plain(port) + "-" + hex.EncodeToString(sum[:8])
}

// plain replaces characters that old brokers do not accept in the names of metrics, which contain the client id.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '.':
			return r
		}
		return '_'
	}, name)
}

// heldListener keeps its address until the inner listener is closed. A server closes its listener when it stops, and
// when it can no longer accept connections. But the process that takes the address next assumes that this process has
// ended.
type heldListener struct{ net.Listener }

// Close makes Accept return an error. A TCP listener keeps its address.
func (l heldListener) Close() error {
	if tcp, ok := l.Listener.(*net.TCPListener); ok {
		return tcp.SetDeadline(time.Unix(0, 1))
	}
	return l.Listener.Close()
}
