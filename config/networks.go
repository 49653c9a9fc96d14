package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// networks are addresses and networks, separated by commas. An address is a network that has only that address.
type networks []netip.Prefix

// String returns the setting's text.
func (n networks) String() string {
	texts := make([]string, len(n))
	for i, network := range n {
		texts[i] = network.String()
		if network.IsSingleIP() {
			texts[i] = network.Addr().String()
		}
	}
	return strings.Join(texts, ",")
}

// UnmarshalText refuses a network with host bits set, such as 10.1.2.3/8. Either the address or the mask is a typo,
// and a wrong guess would trust too many hosts.
func (n *networks) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil // an empty value counts as not set
	}
	var items list
	if err := items.UnmarshalText(text); err != nil {
		return err
	}
	read := make(networks, 0, len(items))
	for _, item := range items {
		network, err := netip.ParsePrefix(item)
		if address, alone := netip.ParseAddr(item); alone == nil && address.Zone() == "" {
			network, err = netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()), nil
		}
		switch {
		case err != nil || network.Addr().Is4In6():
			return fmt.Errorf("%q is neither an address nor a network, such as 10.1.2.3 or 10.1.0.0/16", clip(item))
		case network != network.Masked():
			return fmt.Errorf("%q has host bits set; the network is %s", clip(item), network.Masked())
		}
		read = append(read, network)
	}
	*n = read
	return nil
}
