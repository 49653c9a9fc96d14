package lint

import (
	"net/netip"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
)

// block must not hold the address of the cloud's metadata service, and a wide one nothing that is private.
func (j *judgement) block(o *Object, b *networkingv1.IPBlock) {
	for _, metadata := range []string{"169.254.169.254/32", "fe80::1/128", "fd00:ec2::254/128"} {
		if address := netip.MustParsePrefix(metadata); blockHolds(b, address) {
			j.add(o, "lets the worker out to %s, where a cloud's credentials are to be had", address.Addr())
		}
	}
	if !wide(b.CIDR) {
		return // a range that somebody means, a broker's network say
	}
	for _, private := range []string{"10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10"} {
		if blockHolds(b, netip.MustParsePrefix(private)) {
			j.add(o, "lets the worker out to private addresses in %s", private)
		}
	}
}

// wide says whether a block is of the internet's size: wider than any range that is private.
func wide(cidr string) bool {
	prefix, err := netip.ParsePrefix(cidr)
	return err != nil || prefix.Bits() < 7 || prefix.Addr().Is4() && prefix.Bits() < 8
}

// blockHolds says whether any address of a range is in a block and not in its exceptions.
func blockHolds(b *networkingv1.IPBlock, within netip.Prefix) bool {
	prefix, err := netip.ParsePrefix(b.CIDR)
	if err != nil || !prefix.Overlaps(within) {
		return false
	}
	return !slices.ContainsFunc(b.Except, func(cidr string) bool {
		except, err := netip.ParsePrefix(cidr)
		return err == nil && except.Bits() <= within.Bits() && except.Contains(within.Addr())
	})
}
