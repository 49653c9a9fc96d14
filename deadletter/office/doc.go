// Package office is the back end of the desk. It implements [desk.Source] and [desk.Writer] for a group of workers,
// with the code of the commands (package operator).
//
//	o := office.New(office.Settings{Access: access, Workers: pages})
//	handler, err := desk.New(desk.Settings{Source: o, Writer: o, …})
//	err = o.Serve(ctx, listener, handler)
//
// # Goroutines
//
// Serve reads both topics every two seconds, and carries out the runs that people start. When its context ends, it
// stops these runs and waits for them. All other methods may be called concurrently.
package office
