package integration_test

import (
	"slices"
	"sync"
)

// secrets are what must appear nowhere in what any run emits, beside the canary.
type secrets struct {
	mu   sync.Mutex
	text []string
}

// secret notes one.
func (s *suite) secret(text string) {
	s.secrets.mu.Lock()
	defer s.secrets.mu.Unlock()
	s.secrets.text = append(s.secrets.text, text)
}

func (s *secrets) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.text)
}
