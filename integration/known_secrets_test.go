package integration_test

import (
	"slices"
	"sync"
)

// secrets are the values that, like the canary, must not appear in the output of any run.
type secrets struct {
	mu   sync.Mutex
	text []string
}

// secret adds text that must not appear.
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
