// Package archtest holds the module to its plan: who may import whom, which libraries stay in which room, and that every
// package says what it is for. It has no code of its own; its tests read the whole module.
package archtest
