// Package desk serves the pages on which people see dead letters, orders and workers, and act on them.
//
// It reads through a [Source] and writes through a [Writer]. Package office implements both with the code of the
// commands, so the desk and the commands behave alike. The HTML is rendered on the server. The pages work without their
// script, which is only a convenience.
package desk
