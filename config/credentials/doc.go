// Package credentials reads the files that identify us and verify others: keys, passwords, certificates,
// authorities. Such files are renewed while the worker runs, so each reader can be called again.
//
//	roots, err := credentials.Keep("LEADHIT_CA_FILE", log, credentials.Authorities("/etc/leadhit/ca.pem"))
//	…
//	config.RootCAs = roots.Load() // for each connection
//
// An error never quotes a file's content. It may name the path.
package credentials
