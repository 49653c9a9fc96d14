package config

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// checkDesk checks who may see and use the desk's pages. It reports a desk that no user can write to although
// DESK_WRITE is set, and a desk that trusts a header from anyone.
func (c *Config) checkDesk(p *problems) {
	d := &c.Desk
	if p.good("DESK_ADDR") {
		if _, port, err := net.SplitHostPort(d.Addr); err != nil || !isPort(port, 0) {
			p.add("DESK_ADDR", fmt.Sprintf("%q is not host:port", clip(d.Addr)))
		}
	}
	c.checkDeskProxy(p)
	if d.TokenFile != "" {
		p.addFile("DESK_TOKEN_FILE", d.TokenFile)
	}
	if d.TokenFile != "" && d.UserHeader != "" {
		p.addWith("DESK_TOKEN_FILE", "not allowed together with DESK_USER_HEADER: only one of them can identify users", "")
	}
	if p.good("DESK_WRITE") && d.Write && d.TokenFile == "" && d.UserHeader == "" {
		p.addOther("DESK_WRITE", "true, but nothing identifies users: set DESK_TOKEN_FILE or DESK_USER_HEADER",
			"DESK_TOKEN_FILE", "/run/secrets/desk-tokens")
	}
}

// checkDeskProxy checks that the header and the proxies that may send it are set together.
func (c *Config) checkDeskProxy(p *problems) {
	d := &c.Desk
	if strings.Trim(d.UserHeader, headerLetters) != "" {
		p.add("DESK_USER_HEADER", fmt.Sprintf("%q is not a header name", clip(d.UserHeader)))
	}
	for _, network := range d.TrustedProxies {
		if network.Bits() == 0 {
			p.add("DESK_TRUSTED_PROXIES", fmt.Sprintf("%s covers every address: anybody could pose as any user", network))
		}
	}
	if p.good("DESK_TRUSTED_PROXIES") {
		switch {
		case d.UserHeader != "" && len(d.TrustedProxies) == 0:
			p.add("DESK_TRUSTED_PROXIES", "required with DESK_USER_HEADER: anybody can send a header")
		case d.UserHeader == "" && len(d.TrustedProxies) > 0:
			p.add("DESK_USER_HEADER", "required with DESK_TRUSTED_PROXIES")
		}
	}
}

// headerLetters are the characters that a header's name may have, except some that no proxy uses.
const headerLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// deskWarnings warns if DESK_ADDR may be reached from other machines and the desk identifies no users.
func (c *Config) deskWarnings() []string {
	host, _, err := net.SplitHostPort(c.Desk.Addr)
	address, notAddress := netip.ParseAddr(host)
	if err != nil || c.Desk.TokenFile != "" || c.Desk.UserHeader != "" || host == "localhost" ||
		notAddress == nil && address.IsLoopback() {
		return nil
	}
	return []string{"DESK_ADDR " + clip(c.Desk.Addr) + " shows the letters to everybody who reaches it: set " +
		"DESK_USER_HEADER or DESK_TOKEN_FILE"}
}
