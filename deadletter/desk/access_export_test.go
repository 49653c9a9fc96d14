package desk

import "net/http"

// VisitorOf returns the visitor's name, whether it may write, and the key of the text that says why not.
func VisitorOf(r *http.Request) (name string, mayWrite bool, whyNot string) {
	v := visitorOf(r)
	return v.Name, v.MayWrite, v.WhyNot
}

// Protect is Access.protect with the status and the key as the page of a refusal.
func (a Access) Protect(pages http.Handler) http.Handler {
	return a.protect(pages, func(w http.ResponseWriter, _ *http.Request, code int, key string) {
		http.Error(w, key, code)
	})
}

// MaskedValue is a value without what may be personal data.
var MaskedValue = maskedValue
