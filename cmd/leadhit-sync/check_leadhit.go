package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"leadhit-sync/cmd/worker"
	"leadhit-sync/config"
	"leadhit-sync/leadhit"
	"leadhit-sync/retry"
)

// checkLeadHit checks the connection, the key and the method separately, because a node might serve the map page
// without a key. Only --call sends an order id, which is made up.
func checkLeadHit(ctx context.Context, r *report, c *config.Config, o checkOptions) {
	client, _, err := worker.OpenLeadHit(c, versionText(), slog.New(slog.DiscardHandler))
	if err != nil { // a file has changed since the settings were checked
		r.fail("leadhit", err.Error())
		return
	}
	defer client.Close()
	// If the request in checkKey fails, the one for the map page would fail too, and one cause would give two findings.
	if checkKey(ctx, r, c, client) {
		checkMethod(ctx, r, client)
	}
	if o.call {
		checkCall(ctx, r, c, client)
	}
}

// checkKey checks the key, and reports whether further requests make sense.
func checkKey(ctx context.Context, r *report, c *config.Config, client *leadhit.Client) bool {
	proven, err := client.TryKey(ctx)
	switch {
	case err != nil:
		failLeadHit(r, err, c)
		return false
	case proven:
		r.ok("leadhit", "the API key is accepted: the node refuses a call without it (tried with a method that does not "+
			"exist)")
	default:
		r.skip("leadhit", "reached, but the API key is not proven: the node did not refuse a call without it (tried with a "+
			"method that does not exist); check --call tries the key")
	}
	return true
}

// checkMethod looks for our method on the map page. Without the page there is only a warning, because the node may
// still have the method.
func checkMethod(ctx context.Context, r *report, client *leadhit.Client) {
	has, err := client.HasMethod(ctx)
	switch {
	case err != nil:
		r.warn("leadhit", fmt.Sprintf("cannot check whether the node has %s: %v", leadhit.Method, err))
	case !has:
		r.fail("leadhit", "the node does not list "+leadhit.Method+"; check LEADHIT_URL")
	default:
		r.ok("leadhit", "the node lists "+leadhit.Method)
	}
}

// --call sends an order that does not exist, with a status that LeadHit does not know.
const (
	triedOrder  = "leadhit-sync-check"
	triedStatus = "leadhit-sync-check"
)

// checkCall makes one call that LeadHit must refuse. The refusal proves that key, address and method work together. The
// call is off by default, because it is the only check that would change data in LeadHit if LeadHit accepted the
// made-up order.
func checkCall(ctx context.Context, r *report, c *config.Config, client *leadhit.Client) {
	err := client.SetOrderStatus(ctx, leadhit.Call{ID: triedOrder, OrderID: triedOrder, Status: triedStatus})
	rpc, answered := errors.AsType[*leadhit.RPCError](err)
	switch {
	case err == nil:
		r.warn("leadhit", leadhit.Method+" was accepted for the made-up order "+triedOrder+" with the made-up status "+
			triedStatus+"; LeadHit should refuse both")
	// A typed error comes from the method itself, so the key, the proxy and the path are right.
	case answered && rpc.Type != "" && (leadhit.Judge{}).Judge(err).Kind != retry.Unauthorised:
		r.ok("leadhit", leadhit.Method+" works, and refuses a made-up status: "+rpc.Error())
	default:
		failLeadHit(r, err, c)
	}
}

// failLeadHit reports a failed request, and which settings to check. TLS errors already name the settings. The verdict
// decides the advice, so check and the worker never explain the same response in two ways.
func failLeadHit(r *report, err error, c *config.Config) {
	switch v := (leadhit.Judge{}).Judge(err); {
	case v.Kind == retry.Unauthorised:
		r.fail("leadhit", fmt.Sprintf("LeadHit rejects the API key (%v); check LEADHIT_API_KEY_FILE or LEADHIT_API_KEY", err))
	case v.Cause == "TLS":
		r.fail("leadhit", err.Error())
	case c.LeadHit.Proxy.Reveal() != "":
		r.fail("leadhit", fmt.Sprintf("%v; check LEADHIT_URL and LEADHIT_PROXY", err))
	default:
		r.fail("leadhit", fmt.Sprintf("%v; check LEADHIT_URL", err))
	}
}
