package desk

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxForm is the maximum size of a form. Two thousand letter ids take 60 KB.
const maxForm = 256 << 10

// alive is the path for health probes.
const alive = "/livez"

// policy lets a page load only its own files, and forbids showing the page inside another page. The pages need no
// inline script or style, so the policy allows neither, and text that becomes HTML by mistake cannot run a script.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// protect serves pages to those who may see them. It lets a request change something only if the user is known and may
// write, and if the request does not come from another site. refuse shows the reason for a refusal, and shows a
// stranger nothing else.
func (a Access) protect(pages http.Handler, refuse func(http.ResponseWriter, *http.Request, int, string)) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setProtection(w.Header())
		if r.URL.Path == alive {
			// Kubernetes probes this path without credentials, and learns nothing about letters.
			_, _ = io.WriteString(w, "alive\n")
			return
		}
		// The body of a GET is limited too. Otherwise it could fill memory and disk if some function read it as a form.
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		who := a.identify(r)
		r = who.in(r)
		code, why := a.judge(r, who)
		if code == 0 && crossOrigin.Check(r) != nil {
			code, why = http.StatusForbidden, "access.origin"
		}
		if code == 0 && r.Method == http.MethodPost {
			code, why = readForm(r)
		}
		if code == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="leadhit-sync desk", charset="UTF-8"`)
		}
		if code != 0 {
			refuse(w, r, code, why)
			return
		}
		pages.ServeHTTP(w, r)
	})
}

// setProtection sets the headers that make browsers protect the pages.
func setProtection(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	// Addresses contain order ids. "no-referrer" would go further, but browsers then send forms with the origin "null".
	h.Set("Referrer-Policy", "same-origin")
	// Pages show the current letters, and may show a value. Assets set a different Cache-Control.
	h.Set("Cache-Control", "no-store")
}

// judge decides, without looking at the form, whether a request is refused. It returns the HTTP status and the key of
// the text for the refusal, or 0 if the request is not refused.
func (a Access) judge(r *http.Request, who visitor) (code int, why string) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, "access.method"
	case !utf8.ValidString(r.URL.Path) || strings.ContainsFunc(r.URL.Path, unicode.IsControl):
		return http.StatusBadRequest, "access.path"
	case a.Tokens == nil && !a.fromProxy(r) && isRebound(r):
		return http.StatusMisdirectedRequest, "access.host"
	case r.Method == http.MethodPost && !who.MayWrite:
		return http.StatusForbidden, who.WhyNot
	case a.Tokens != nil && who.Name == "":
		return http.StatusUnauthorized, who.WhyNot
	}
	return 0, ""
}

// isStranger reports whether the visitor must not even see what the desk is about.
func (a Access) isStranger(r *http.Request, code int) bool {
	return code == http.StatusMisdirectedRequest || a.Tokens != nil && visitorOf(r).Name == ""
}

// isRebound reports whether a browser reached a loopback address by the name of another host. Any site on the internet
// can make its host name resolve to a loopback address (DNS rebinding), and its scripts may then read our pages.
func isRebound(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok || !isLoopback(local.String()) {
		return false
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	address, err := netip.ParseAddr(host)
	return host != "localhost" && (err != nil || !address.IsLoopback())
}

func isLoopback(hostPort string) bool {
	address, err := netip.ParseAddrPort(hostPort)
	return err == nil && address.Addr().Unmap().IsLoopback()
}

// readForm reads the form of a request that may change something. The handlers find it in r.PostForm.
func readForm(r *http.Request) (code int, why string) {
	err := r.ParseForm()
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return http.StatusRequestEntityTooLarge, "access.form.large"
	}
	if err != nil {
		return http.StatusBadRequest, "access.form"
	}
	return 0, ""
}
