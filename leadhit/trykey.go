package leadhit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// KeyProof is what a try of the key has shown.
type KeyProof uint8

const (
	// KeyNotTried says that the node answers the same call without a key too: nothing is known of ours.
	KeyNotTried KeyProof = iota
	// KeyTaken says that the node answers a call with the key, and refuses the same call without it.
	KeyTaken
)

const (
	// triedMethod is in no node's list, so a call of it changes nothing.
	triedMethod = "leadhit_sync_check"
	triedID     = "leadhit-sync-check"
)

// TryKey finds out whether the node accepts the key, without naming an order: it calls a method that does not exist,
// with the key, and once more without. A key that is refused is a *StatusError (401 or 403); other failures are those of
// SetOrderStatus.
func (c *Client) TryKey(ctx context.Context) (KeyProof, error) {
	if err := c.callUnknown(ctx, true); err != nil {
		return KeyNotTried, fmt.Errorf("try the api key: %w", err)
	}
	err := c.callUnknown(ctx, false)
	if (Judge{}).Unauthorised(err) {
		return KeyTaken, nil
	}
	return KeyNotTried, nil // any other outcome of the second call proves nothing about the key
}

// callUnknown calls the method that does not exist; nil is the answer that it does not.
func (c *Client) callUnknown(ctx context.Context, withKey bool) error { //nolint:revive // the flag is the whole difference
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	body := []byte(`{"jsonrpc":"2.0","id":"` + triedID + `","method":"` + triedMethod + `","params":{}}`)
	request := c.call.WithContext(bounded)
	request.Body = io.NopCloser(bytes.NewReader(body))
	request.ContentLength = int64(len(body))
	key := c.key.load()
	request.Header = c.header(key).Clone()
	if !withKey {
		delete(request.Header, keyHeader)
	}
	s, _ := c.scratch.Get().(*scratch)
	defer c.release(s)
	if err := c.exchange(request, key, s); err != nil {
		if transport, ok := errors.AsType[*TransportError](err); ok {
			transport.Stopped = ctx.Err() != nil
		}
		return err
	}
	err := parseAnswer(s, triedID, *key)
	if rpc, ok := errors.AsType[*RPCError](err); ok && rpc.Code == codeMethodNotFound {
		return nil
	}
	if err == nil {
		return &BadAnswerError{Reason: "a result of a method that does not exist"}
	}
	return err
}

// Unauthorised reports whether an outcome means that the key is refused.
func (Judge) Unauthorised(err error) bool {
	status, ok := errors.AsType[*StatusError](err)
	return ok && refusesKey(status)
}

func refusesKey(e *StatusError) bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
}
