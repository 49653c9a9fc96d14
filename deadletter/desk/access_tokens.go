package desk

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"leadhit-sync/config/credentials"
)

// minToken is the minimum number of characters in a token: 24 random characters cannot be guessed.
const minToken = 24

// Tokens maps the hash of each user's token to the user's name. Because lookups use the hash, the time that a lookup
// takes reveals nothing about a token.
type Tokens map[[sha256.Size]byte]string

// ReadTokens reads a file with a line for each token: the user's name, a space, the token. Empty lines and lines that
// begin with # are ignored. A user may have several tokens, so that one can replace another.
func ReadTokens(path string) (Tokens, error) {
	text, err := credentials.Read(path)
	if err != nil {
		return nil, err
	}
	users := Tokens{}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := users.add(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	if len(users) == 0 {
		return nil, errors.New("no line with a name and a token")
	}
	return users, nil
}

// add adds the user and token of a line. Its errors do not quote the line, which contains a secret.
func (t Tokens) add(line string) error {
	words := strings.Fields(line)
	if len(words) != 2 {
		return errors.New("want a name, a space and a token")
	}
	name, token := words[0], words[1]
	hash := sha256.Sum256([]byte(token))
	switch {
	case strings.Contains(name, ":") || !isUserName(name): // a browser sends name:token
		return errors.New("the name has a colon, or characters that cannot be printed, or is too long")
	case len(token) < minToken:
		return fmt.Errorf("the token is shorter than %d characters; make one with: openssl rand -hex 16", minToken)
	case t[hash] != "":
		return errors.New("the token is on an earlier line too")
	}
	t[hash] = name
	return nil
}

func (t Tokens) has(name, token string) bool {
	return name != "" && t[sha256.Sum256([]byte(token))] == name
}
