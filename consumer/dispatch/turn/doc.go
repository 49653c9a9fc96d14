// Package turn has what passes between the dispatcher and the program around it: the effects that a turn returns, and
// the larger inputs. It holds data alone. Package dispatch decides, package consumer carries the effects out.
package turn
