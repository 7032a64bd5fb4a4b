// Package app wires the rooms together: it starts them in order, stops them in the opposite one, and hands each what it
// needs of the others. It is the only room that knows all of them, and it decides nothing about calls.
package app
