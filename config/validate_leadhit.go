package config

import (
	"errors"
	"io/fs"
	"net"
	"net/url"
	"slices"
	"strings"

	"leadhit-sync/config/credentials"
)

// checkLeadHit checks the settings of the connection to LeadHit, and the key.
func (c *Config) checkLeadHit(p *problems) {
	if p.good("LEADHIT_URL") {
		what := wrongURL(c.LeadHit.URL, "the key travels in a header", "which would send the key unencrypted")
		if what != "" {
			p.add("LEADHIT_URL", what)
		} else if !strings.HasSuffix(c.LeadHit.URL, "/") {
			c.LeadHit.URL += "/" // LeadHit's own address ends with a slash
		}
	}
	// A key that could not be read was still given, so it is not reported as missing too.
	if p.good("LEADHIT_API_KEY") {
		switch key, file := c.LeadHit.APIKey.Reveal(), c.LeadHit.APIKeyFile; {
		case key == "" && file == "":
			p.add("LEADHIT_API_KEY_FILE", "required, unless LEADHIT_API_KEY is set")
		case key != "" && file != "":
			p.addWith("LEADHIT_API_KEY", "not allowed together with LEADHIT_API_KEY_FILE; unset one of them", "")
		}
	}
	p.addFile("LEADHIT_API_KEY_FILE", c.LeadHit.APIKeyFile)
	p.addFile("LEADHIT_CA_FILE", c.LeadHit.CAFile)
	c.checkProxy(p)
}

func (c *Config) checkProxy(p *problems) {
	if proxy := c.LeadHit.Proxy.Reveal(); proxy != "" {
		u, err := url.Parse(proxy)
		schemes := []string{"http", "https", "socks5", "socks5h"}
		if err != nil || u.Hostname() == "" || !slices.Contains(schemes, u.Scheme) {
			p.add("LEADHIT_PROXY", "not an http, https or socks5 URL")
		}
		// http is allowed only for connections to this machine, and a proxy is another machine.
		if p.good("LEADHIT_URL") && strings.HasPrefix(strings.ToLower(c.LeadHit.URL), "http:") {
			p.addOther("LEADHIT_PROXY", "not allowed while LEADHIT_URL is http, which would show the key to the proxy",
				"LEADHIT_URL", p.settings[p.position("LEADHIT_URL")].example())
		}
	}
}

// wrongURL returns what is wrong with LeadHit's or the schema registry's address, or "". It never quotes the address,
// because its user name or query may contain a secret. inURL says what to do instead of putting a user name or a query
// into the address. overHTTP names the risk of http to another machine.
func wrongURL(address, inURL, overHTTP string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return "not an https URL"
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "has a user name, a query or a fragment; " + inURL
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return "http to another machine, " + overHTTP + "; use https"
	}
	return ""
}

// isLoopback reports whether host is this machine. Other names are not resolved, because their addresses can change
// after startup.
func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// addFile records a problem if path is given but is not a readable file with content. It does not quote the path,
// because the secret itself may have been given by mistake instead of a path.
func (p *problems) addFile(variable, path string) {
	if path == "" {
		return
	}
	if err := p.open(path); err != nil {
		p.add(variable, "the file cannot be used: "+err.Error())
	}
}

// tryFile reads a file. Its errors do not name the path.
func tryFile(path string) error {
	text, err := credentials.Read(path)
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	if err == nil && len(text) == 0 {
		return errors.New("it is empty")
	}
	return err
}
