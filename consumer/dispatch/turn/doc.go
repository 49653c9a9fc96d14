// Package turn holds the data that passes between the dispatcher and the program around it: the effects that a turn
// returns, and the larger inputs. Package dispatch decides on the effects, and package consumer carries them out.
package turn
