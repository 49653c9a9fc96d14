package leadhit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

const (
	// triedMethod is a method that no node has, so a call to it changes nothing.
	triedMethod = "leadhit_sync_check"
	triedID     = "leadhit-sync-check"
)

// TryKey tests whether the node accepts the key, without naming an order. It calls a method that does not exist, once
// with the key and once without. proven is true if the node answers the first call and rejects the second. Any other
// outcome of the second call makes it false, which says nothing about the key. If the node rejects the key, the error
// is a *StatusError (401 or 403). Other errors are the same as from SetOrderStatus.
func (c *Client) TryKey(ctx context.Context) (proven bool, err error) {
	key := c.key.load()
	with := c.header(key)
	if err := c.callUnknown(ctx, key, with); err != nil {
		return false, fmt.Errorf("try the API key: %w", err)
	}
	without := with.Clone() // net/http may still read the header of the first call
	delete(without, keyHeader)
	status, refused := errors.AsType[*StatusError](c.callUnknown(ctx, key, without))
	return refused && status.refusesKey(), nil
}

// callUnknown calls the method that does not exist. It returns nil if the node responds that there is no such method.
func (c *Client) callUnknown(ctx context.Context, key *string, header http.Header) error {
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	body := []byte(`{"jsonrpc":"2.0","id":"` + triedID + `","method":"` + triedMethod + `","params":{}}`)
	request := c.call.WithContext(bounded)
	request.Body = io.NopCloser(bytes.NewReader(body))
	request.ContentLength = int64(len(body))
	request.Header = header
	s, _ := c.scratch.Get().(*scratch)
	defer c.release(s)
	if err := c.exchange(request, key, s); err != nil {
		return stoppedBy(ctx, err)
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
