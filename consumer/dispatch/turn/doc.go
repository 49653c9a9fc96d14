// Package turn holds the data that passes between the dispatcher and the program around it: the effects that a turn
// returns, and the larger inputs. Package dispatch decides, and package consumer carries the effects out.
package turn
