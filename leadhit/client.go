// Package leadhit tells LeadHit the status of an order, and says what each of its answers means.
//
// [Client.SetOrderStatus] makes one call over HTTP and never repeats it: whatever net/http could do by itself (follow a
// redirect, send a POST again, unpack an answer of any size) is switched off, because each would break a promise that its
// caller makes. A nil error means that LeadHit accepted the status in a JSON-RPC answer with this call's id; nothing less
// counts. Every other outcome is an error of a type of this package, wrapped with the method and the call's id:
//
//   - [*RPCError]: the node itself refused or failed;
//   - [*StatusError]: an HTTP status other than 200;
//   - [*BadAnswerError]: status 200, but no JSON-RPC answer to this call;
//   - [*TransportError]: no answer at all; LeadHit may or may not have done the work;
//   - [*NotSentError]: [Call.Before] said no, and no byte left the process;
//   - [*UnsendableError]: no request can carry this order or status.
//
// [Judge] turns any of them into a verdict, by type alone. No error, verdict or log value holds the API key, the proxy's
// password or the query of the address, even if the server echoes them.
//
// A Client and a [Key] are safe for concurrent use. The package starts no goroutine of its own: [Key.Watch] runs on its
// caller's until the context ends, and [Client.Close] lets go of the idle connections. A call ends when its context or its
// timeout does, the reading of the answer included.
package leadhit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Method is the JSON-RPC method that the client calls. [Client.Methods] of a usable node names it.
const Method = "set_order_status"

// keyHeader carries the key; it is spelt as LeadHit spells it, which is not net/http's way.
const keyHeader = "API-KEY"

const (
	defaultTimeout       = 3 * time.Second
	defaultCallsInFlight = 64
	// maxAnswer bounds an answer's body, as it comes and, if it comes packed, unpacked.
	maxAnswer = 1 << 20
	// maxErrorPage bounds what is read of the body beside a status other than 200: enough for a message, and to keep the
	// connection in most cases.
	maxErrorPage = 64 << 10
	// keptBuffer is the largest answer buffer that goes back to the pool.
	keptBuffer = 64 << 10
)

// Call is one status change to be told.
type Call struct {
	// ID is the JSON-RPC id: unique to the event, and the same whenever the call is repeated.
	ID      string
	OrderID string
	Status  string
	// Before is asked once, as late as can be: the connection stands, and the request's first write to it is next. If it
	// returns an error, not a byte of the request leaves the process. It runs on another goroutine and must not block. Nil
	// means yes.
	Before func() error
	// Traceparent is sent as the header of that name, the W3C's; empty: there is none.
	Traceparent string
}

// Options say where LeadHit is and how to reach it. URL and Key are required.
type Options struct {
	// URL is the orders node, http or https, with or without a slash at its end.
	URL string
	Key *Key
	// Timeout bounds one call, from the name look-up to the last byte of the answer; 0 means 3 s.
	Timeout time.Duration
	// CAFile names certificates in PEM that are trusted beside the system's. It is read again while calls are made, at most
	// once a second; when it has changed, connections are made anew. While it cannot be read, what it held stays in use.
	CAFile string
	// Proxy is the URL of an HTTP or SOCKS5 proxy, through which TLS goes to URL, which must be https: no proxy sees the key.
	// Empty means none, whatever the environment says.
	Proxy string
	// CallsInFlight is how many calls the caller makes at once: so many idle connections are kept. 0 means 64.
	CallsInFlight int
	// Version stands in the User-Agent header.
	Version string
	// Logger takes a line when CAFile has changed or cannot be read any more, and when no call gets through TLS any more, or
	// one does again. Nil discards them.
	Logger *slog.Logger
	// Dial replaces the network's dialer. Nil means the usual one.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Client calls LeadHit's orders node. Open makes one.
type Client struct {
	transport *renewing
	timeout   time.Duration
	key       *Key
	agent     string
	call      *http.Request // copied for each call
	methods   *http.Request // copied for each reading of the map page
	headers   atomic.Pointer[keyedHeader]
	scratch   sync.Pool
	trouble   tlsTrouble
}

// keyedHeader is the header of all calls made under one key: net/http only reads it.
type keyedHeader struct {
	key    *string
	header http.Header
}

// scratch is what one call needs to read its answer.
type scratch struct {
	body    bytes.Buffer
	decoder jsontext.Decoder
}

// Open checks the options and returns a client. It makes no connection: an address that does not answer is no error here.
// All mistakes come back at once, each as an [*OptionError].
func Open(options Options) (*Client, error) {
	address, err := parseURL(options.URL)
	mistakes := []error{optionError("url", err)}
	if options.Key == nil {
		mistakes = append(mistakes, optionError("api key", errors.New("missing")))
	} else {
		mistakes = append(mistakes, optionError("api key", checkKey(*options.Key.load())))
	}
	if options.Proxy != "" && address != nil && address.Scheme != "https" {
		mistakes = append(mistakes, optionError("proxy", errors.New("over http it would see the api key; the url must be https")))
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Timeout <= 0 {
		options.Timeout = defaultTimeout
	}
	if options.CallsInFlight <= 0 {
		options.CallsInFlight = defaultCallsInFlight
	}
	transport, err := newTransport(options)
	if err := errors.Join(append(mistakes, err)...); err != nil {
		return nil, err
	}
	return &Client{
		transport: transport,
		timeout:   options.Timeout,
		key:       options.Key,
		agent:     "leadhit-sync/" + clean(options.Version, "", maxLabel),
		call:      newRequest(http.MethodPost, address),
		methods:   newRequest(http.MethodGet, mapURL(address)),
		scratch:   sync.Pool{New: func() any { return new(scratch) }},
		trouble:   tlsTrouble{log: options.Logger, limit: options.Timeout},
	}, nil
}

// optionError is nil where err is.
func optionError(option string, err error) error {
	if err == nil {
		return nil
	}
	return &OptionError{Option: option, Err: err}
}

// SetOrderStatus makes the call once. Nil means that LeadHit accepted it; [Judge] knows what to do about an error.
func (c *Client) SetOrderStatus(ctx context.Context, call Call) error {
	if err := c.setOrderStatus(ctx, call); err != nil {
		return fmt.Errorf("%s %s: %w", Method, clean(call.ID, "", maxLabel), err)
	}
	return nil
}

func (c *Client) setOrderStatus(ctx context.Context, call Call) error {
	body, err := appendCall(nil, call)
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	q := &question{before: call.Before}
	if call.Before != nil {
		bounded = httptrace.WithClientTrace(bounded, &httptrace.ClientTrace{GotConn: q.hand})
	}
	request := c.call.WithContext(bounded)
	// Of this type, so that head and body leave in one packet; without GetBody, so that net/http cannot send it twice.
	request.Body = io.NopCloser(bytes.NewReader(body))
	request.ContentLength = int64(len(body))

	s, _ := c.scratch.Get().(*scratch)
	defer c.release(s)
	key := c.key.load()
	if call.Traceparent != "" {
		request.Header = c.header(key).Clone()
		request.Header.Set("Traceparent", call.Traceparent)
	}
	if err := c.exchange(request, key, s); err != nil {
		if refused := q.refused.Load(); refused != nil {
			return refused
		}
		if transport, ok := errors.AsType[*TransportError](err); ok {
			// The caller's context, not our timeout: it does not tell anything about LeadHit.
			transport.Stopped = ctx.Err() != nil
		}
		return err
	}
	return parseAnswer(s, call.ID, *key)
}

// exchange sends the request and leaves the body of a 200 in s.
func (c *Client) exchange(request *http.Request, key *string, s *scratch) error {
	if request.Header == nil {
		request.Header = c.header(key)
	}
	// RoundTrip, not http.Client: no redirect can be followed (a 307 would take the key and the body along), no cookie is
	// kept, and no URL is wrapped into errors.
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		failed := transportError(err, *key)
		if failed.tls {
			c.trouble.fail(failed.text)
		}
		return failed
	}
	c.trouble.over()
	defer func() { _ = response.Body.Close() }()
	s.body.Reset()
	if response.StatusCode == http.StatusSwitchingProtocols {
		// Its body is the bare connection, which no context ends: reading it could last for ever.
		return statusError(response, nil, *key)
	}
	limit := int64(maxAnswer)
	if response.StatusCode != http.StatusOK {
		limit = maxErrorPage
	}
	err = readBody(&s.body, response, limit)
	var wrapped error
	if err == nil {
		wrapped = unwrap(&s.body, response.Header.Get("Content-Encoding"), limit)
	}
	switch {
	case response.StatusCode != http.StatusOK:
		// The status is the answer; what became of its page does not matter.
		return statusError(response, s.body.Bytes(), *key)
	case errors.Is(err, errTooLong):
		return &BadAnswerError{Reason: err.Error()}
	case err != nil:
		return transportError(err, *key)
	case wrapped != nil:
		return &BadAnswerError{Reason: wrapped.Error()}
	}
	return nil
}

// Close lets go of the idle connections. Calls in the air go on.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

func (c *Client) header(key *string) http.Header {
	if kept := c.headers.Load(); kept != nil && kept.key == key {
		return kept.header
	}
	header := http.Header{
		"Accept":       {"application/json"},
		keyHeader:      {*key},
		"Content-Type": {"application/json"},
		"User-Agent":   {c.agent},
	}
	c.headers.Store(&keyedHeader{key: key, header: header})
	return header
}

func (c *Client) release(s *scratch) {
	if s.body.Cap() <= keptBuffer {
		c.scratch.Put(s)
	}
}

func newRequest(method string, address *url.URL) *http.Request {
	return &http.Request{
		Method: method, URL: address, Host: address.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

// parseURL accepts what a request line can carry and an error may show. Credentials in the address would be dropped in
// silence, since the key travels in its own header.
func parseURL(text string) (*url.URL, error) {
	if len(text) > maxURL {
		return nil, fmt.Errorf("longer than %d bytes", maxURL)
	}
	address, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("not a URL") // the parser's error repeats the text, with whatever secret is in it
	case address.Scheme != "http" && address.Scheme != "https":
		return nil, errors.New("neither http nor https")
	case address.Hostname() == "":
		return nil, errors.New("no host")
	case address.User != nil:
		return nil, errors.New("holds a user name or password: the API key goes into its own setting")
	case address.Fragment != "":
		return nil, errors.New("holds a # fragment")
	}
	return address, nil
}

// mapURL is the address of the page that lists the node's methods.
func mapURL(node *url.URL) *url.URL {
	page := *node
	page.Path = strings.TrimSuffix(page.Path, "/") + "/map"
	page.RawPath = ""
	return &page
}
