// Package record is what the service keeps of its calls: journal heads, stories, call records and their folds,
// and the messages that receptionists pass on, with how far each has come.
//
// A record is folded from the call's story and nothing else, so that a call that ends in peace and one that is found in
// the journal after a crash come out by the same arithmetic. Records are facts: they are written once and never
// changed; a correction is a new record that refers to the old one. The package does no I/O.
package record
