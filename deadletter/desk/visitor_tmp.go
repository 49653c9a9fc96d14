package desk

import "net/http"

// visitor is who sees a page. Deleted as soon as access.go is there.
type visitor struct {
	Name     string
	MayWrite bool
	WhyNot   string
}

func visitorOf(*http.Request) visitor { return visitor{Name: "alice@example.com", MayWrite: true} }
