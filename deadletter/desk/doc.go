// Package desk is the page on which people see dead letters, orders and workers, and act on them.
//
// It reads through a [Source] and writes through a [Writer], which the commands use too: the page adds no second way to
// do anything. It renders HTML on the server. The page works without its script, which only adds comfort.
package desk
