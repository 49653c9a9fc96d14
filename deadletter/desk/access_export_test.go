package desk

import "net/http"

// VisitorOf returns the visitor's name, whether the visitor may write, and the key of the text that says why not.
func VisitorOf(r *http.Request) (name string, mayWrite bool, whyNot string) {
	v := visitorOf(r)
	return v.Name, v.MayWrite, v.WhyNot
}

// Protect calls Access.protect. The page of a refusal has only the HTTP status and the key.
func (a Access) Protect(pages http.Handler) http.Handler {
	return a.protect(pages, func(w http.ResponseWriter, _ *http.Request, code int, key string) {
		http.Error(w, key, code)
	})
}

// MaskedValue hides what may be personal data in a value.
var MaskedValue = maskedValue
