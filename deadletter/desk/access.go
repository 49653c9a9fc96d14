package desk

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Access says who may use the desk. The zero value shows everything to everybody, and lets nobody change anything.
type Access struct {
	// Write lets known users change things.
	Write bool
	// UserHeader is the header that names the user. It counts only in requests from TrustedProxies. These proxies must
	// not pass on this header from their own clients.
	UserHeader     string
	TrustedProxies []netip.Prefix
	// Tokens, if not nil, returns the users who have a token. In that case, nobody else sees anything.
	Tokens func() Tokens
	// Everybody, if not empty, is the name of every user. It is for the demo, which has one user.
	Everybody string
}

// visitor is the sender of a request.
type visitor struct {
	// Name is the user's name; "" if it is unknown.
	Name string
	// MayWrite reports whether the visitor may change things, and see values. If not, WhyNot is the key of the text
	// that gives the reason.
	MayWrite bool
	WhyNot   string
}

type visitorKey struct{}

// visitorOf returns the sender of a request, as [Access.protect] identified it.
func visitorOf(r *http.Request) visitor {
	v, _ := r.Context().Value(visitorKey{}).(visitor)
	return v
}

func (v visitor) in(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
}

// identify finds out who sends a request, and what they may do.
func (a Access) identify(r *http.Request) visitor {
	name, unknown := a.user(r)
	switch {
	case !a.Write:
		return visitor{Name: name, WhyNot: "access.readonly"}
	case name == "":
		return visitor{WhyNot: unknown}
	}
	return visitor{Name: name, MayWrite: true}
}

// user returns the user's name, or the key of the text that says why the name is unknown.
func (a Access) user(r *http.Request) (name, unknown string) {
	switch {
	case a.Everybody != "":
		return a.Everybody, ""
	case a.Tokens != nil:
		name, token, _ := r.BasicAuth()
		if a.Tokens().has(name, token) {
			return name, ""
		}
		return "", "access.token"
	case a.UserHeader == "":
		return "", "access.nobody"
	case !a.fromProxy(r):
		return "", "access.stranger"
	}
	// A proxy may add its header to the client's instead of replacing it. The request then has two names, as two
	// headers or joined in one, and it is unknown which name is the proxy's.
	names := r.Header.Values(a.UserHeader)
	if len(names) == 1 && isUserName(names[0]) && !strings.Contains(names[0], ",") {
		return names[0], ""
	}
	return "", "access.unnamed"
}

// fromProxy reports whether a trusted proxy sent the request.
func (a Access) fromProxy(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	address := peer.Addr().Unmap().WithZone("")
	for _, network := range a.TrustedProxies {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// maxUserName is the maximum number of bytes in a user's name. The ledger accepts longer names, but they are too wide
// for tables.
const maxUserName = 100

// isUserName reports whether text can be a user's name. Others see the name in the ledger, so it must not hide text or
// imitate another name.
func isUserName(text string) bool {
	return text != "" && len(text) <= maxUserName && utf8.ValidString(text) && text == strings.TrimSpace(text) &&
		!strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}
