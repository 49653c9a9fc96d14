// Package leadhit sends order statuses to LeadHit and judges each response.
//
//	client, err := leadhit.Open(leadhit.Options{URL: "https://leadhit.example/api/v1/orders", Key: key})
//	…
//	err = client.SetOrderStatus(ctx, leadhit.Call{ID: "orders/3/42", OrderID: "4711", Status: "paid"})
//	verdict := leadhit.Judge{}.Judge(err)
//
// [Client.SetOrderStatus] makes one call over HTTP and never repeats it. It switches off three things that net/http
// does by itself and that would surprise a caller: following a redirect, resending a POST, and decompressing a body of
// any size. A nil error means that LeadHit accepted the status in a JSON-RPC response with this call's id. Every other
// outcome is an error, wrapped with the method and the call's id:
//
//   - [*RPCError]: the node itself refused or failed;
//   - [*StatusError]: an HTTP status other than 200;
//   - [*BadAnswerError]: status 200, but no JSON-RPC response to this call;
//   - any other: there was no response, [Call.Before] refused, or no request can carry the call.
//
// [Judge] turns each of them into a verdict, by type alone. No error, verdict or log value contains the API key, the
// proxy's password or the query in the address, even if the server echoes them.
//
// A Client and a [Key] are safe for concurrent use. The package starts no goroutine of its own: [Key.Watch] runs on the
// caller's goroutine until the context ends, and [Client.Close] closes the idle connections. A call ends when its
// context ends or its timeout expires, even while it is reading the response.
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

// Method is the JSON-RPC method that the client calls.
const Method = "set_order_status"

// keyHeader is the name of the header with the key. LeadHit's spelling is not net/http's canonical form.
const keyHeader = "API-KEY"

const (
	defaultTimeout       = 3 * time.Second
	defaultCallsInFlight = 64
	// maxAnswer limits a response's body, both as received and decompressed.
	maxAnswer = 1 << 20
	// maxErrorPage limits how much of the body is read if the status is not 200: enough for a message and, in most
	// cases, to keep the connection.
	maxErrorPage = 64 << 10
	// keptBuffer is the largest buffer that goes back to the pool.
	keptBuffer = 64 << 10
)

// Call is one status change of an order.
type Call struct {
	// ID is the JSON-RPC id: unique to one item of one event, and the same whenever the call is repeated.
	ID string
	// OrderID and Status must be UTF-8. Otherwise the call fails before it is sent, because JSON would replace the
	// invalid bytes, and LeadHit would get the id of a different order.
	OrderID string
	Status  string
	// Before is called once, as late as possible: the connection is established, and the first write of the request is
	// next. If it returns an error, no byte of the request leaves the process. Before runs on another goroutine and
	// must not block. It may be nil.
	Before func() error
	// Traceparent is the value of the W3C header of that name. Empty means no header.
	Traceparent string
}

// Options say where LeadHit is and how to reach it. URL and Key are required.
type Options struct {
	// URL is the address of the orders node, http or https, with or without a trailing slash.
	URL string
	// Key is read for each call, so that a new key needs no restart.
	Key *Key
	// Timeout is the time limit for one call, from the DNS lookup to the last byte of the response. 0 means 3 s.
	Timeout time.Duration
	// CAFile is a PEM file with authorities to trust in addition to the system's. It is reread while calls are made, at
	// most once a second. A change closes idle connections. While the file cannot be read, its previous content stays
	// in use.
	CAFile string
	// Proxy is the URL of an HTTP or SOCKS5 proxy. With a proxy, URL must be https, so that the proxy does not see the
	// key. Empty means no proxy, whatever the environment says.
	Proxy string
	// CallsInFlight is how many calls the caller makes at once, and how many idle connections are kept. 0 means 64.
	CallsInFlight int
	// Version is for the User-Agent header.
	Version string
	// Logger gets a line when CAFile has changed or can no longer be read, when TLS starts to fail for all calls, and
	// when calls get through again. If it is nil, these lines are discarded.
	Logger *slog.Logger
	// Dial replaces net.Dialer, for example in tests. Nil means net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Client calls LeadHit's orders node. Create it with [Open].
type Client struct {
	transport *reloading
	timeout   time.Duration
	key       *Key
	agent     string
	call      *http.Request // copied for each call
	mapPage   *http.Request // copied for each request for the map page
	headers   atomic.Pointer[keyedHeader]
	scratch   sync.Pool
	outage    tlsOutage
}

// keyedHeader is the header of all calls with the same key. They can share it because net/http only reads it.
type keyedHeader struct {
	key    *string
	header http.Header
}

// attempt is the part of one call's memory that net/http may still use after it has returned an error.
type attempt struct {
	check
	trace httptrace.ClientTrace
	body  bytes.Reader
}

// scratch is the memory into which one call reads its response.
type scratch struct {
	limited io.LimitedReader
	body    bytes.Buffer
	decoder jsontext.Decoder
	name    []byte // of the member that is being read
	text    []byte // of a value
}

// size returns the size of the largest buffer, in bytes.
func (s *scratch) size() int { return max(s.body.Cap(), cap(s.name), cap(s.text)) }

// Open checks the options and returns a client. It does not connect, so an address that does not respond is not an
// error here. It returns all mistakes at once, each as an [*OptionError].
func Open(options Options) (*Client, error) {
	address, err := parseURL(options.URL)
	mistakes := []error{optionError("url", err)}
	if options.Key == nil {
		mistakes = append(mistakes, optionError("api key", errors.New("missing")))
	} else {
		mistakes = append(mistakes, optionError("api key", checkKey(*options.Key.load())))
	}
	if options.Proxy != "" && address != nil && address.Scheme != "https" {
		seesKey := errors.New("LeadHit's URL must be https, or the proxy would see the API key")
		mistakes = append(mistakes, optionError("proxy", seesKey))
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
		mapPage:   newRequest(http.MethodGet, mapURL(address)),
		scratch:   sync.Pool{New: func() any { return new(scratch) }},
		outage:    tlsOutage{log: options.Logger, limit: options.Timeout},
	}, nil
}

// SetOrderStatus makes the call once. Nil means that LeadHit accepted it. [Judge] decides what to do about an error.
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
	k := new(attempt)
	if k.before = call.Before; k.before != nil {
		k.trace.GotConn = k.attach
		bounded = httptrace.WithClientTrace(bounded, &k.trace)
	}
	request := c.call.WithContext(bounded)
	// With this type of body, net/http sends headers and body in one packet. Without GetBody, it cannot send the
	// request twice.
	k.body.Reset(body)
	request.Body = io.NopCloser(&k.body)
	request.ContentLength = int64(len(body))

	s, _ := c.scratch.Get().(*scratch)
	defer c.release(s)
	key := c.key.load()
	if call.Traceparent != "" {
		request.Header = c.header(key).Clone()
		request.Header.Set("Traceparent", call.Traceparent)
	}
	if err := c.exchange(request, key, s); err != nil {
		if refused := k.refused.Load(); refused != nil {
			return refused
		}
		return stoppedBy(ctx, err)
	}
	return parseAnswer(s, call.ID, *key)
}

// stoppedBy marks a failure that was caused by the caller's context, not by our timeout.
func stoppedBy(ctx context.Context, err error) error {
	if failed, ok := errors.AsType[*transportError](err); ok {
		failed.Stopped = ctx.Err() != nil
	}
	return err
}

// exchange sends the request. If the status is 200, it leaves the response's body in s.
func (c *Client) exchange(request *http.Request, key *string, s *scratch) error {
	if request.Header == nil {
		request.Header = c.header(key)
	}
	// Call RoundTrip, because an http.Client would follow redirects (a 307 would resend the key and the body), and
	// would put the URL into errors.
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		failed := newTransportError(err, *key)
		if failed.tls {
			c.outage.failure(failed.text)
		}
		return failed
	}
	c.outage.answered()
	defer func() { _ = response.Body.Close() }()
	s.body.Reset()
	if response.StatusCode == http.StatusSwitchingProtocols {
		// The body is the bare connection, which no context ends, so reading it could block forever.
		return newStatusError(response, nil, *key)
	}
	limit := int64(maxAnswer)
	if response.StatusCode != http.StatusOK {
		limit = maxErrorPage
	}
	err = s.read(response, limit)
	var wrapped error
	if err == nil {
		wrapped = unwrap(&s.body, response.Header.Get("Content-Encoding"), limit)
	}
	switch {
	case response.StatusCode != http.StatusOK:
		// The status is enough; an error from reading the page does not matter.
		return newStatusError(response, s.body.Bytes(), *key)
	case errors.Is(err, errTooLong):
		return &BadAnswerError{Reason: err.Error()}
	case err != nil:
		return newTransportError(err, *key)
	case wrapped != nil:
		return &BadAnswerError{Reason: wrapped.Error()}
	}
	return nil
}

// Close closes the idle connections. Calls in flight continue.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// header returns the shared header of all calls with this key. A new key gets a new header, because net/http may still
// be reading the old one.
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

// release returns the memory to the pool, unless a large response has enlarged it. If large buffers were kept, each
// call in flight would eventually hold one.
func (c *Client) release(s *scratch) {
	if s.size() <= keptBuffer {
		c.scratch.Put(s)
	}
}

func newRequest(method string, address *url.URL) *http.Request {
	return &http.Request{
		Method: method, URL: address, Host: address.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

// parseURL accepts an address that fits a request line and is safe to show in an error. It refuses credentials, which
// would be dropped silently because the key has its own header.
func parseURL(text string) (*url.URL, error) {
	if len(text) > maxURL {
		return nil, fmt.Errorf("longer than %d bytes", maxURL)
	}
	address, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("not a URL") // the parser's error repeats the text, and any secret in it
	case address.Scheme != "http" && address.Scheme != "https":
		return nil, errors.New("neither http nor https")
	case address.Hostname() == "":
		return nil, errors.New("no host")
	case address.User != nil:
		return nil, errors.New("contains a user name or password: the API key goes into its own setting")
	case address.Fragment != "":
		return nil, errors.New("contains a # fragment")
	}
	return address, nil
}

// mapURL returns the address of the page that lists the node's methods.
func mapURL(node *url.URL) *url.URL {
	page := *node
	page.Path = strings.TrimSuffix(page.Path, "/") + "/map"
	page.RawPath = ""
	return &page
}
