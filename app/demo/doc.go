// Package demo is the small simulated world of `telefonist demo`: the configuration that it runs on, a PBX and four
// receptionists' softphones that play a script of calls against the server over real SIP and RTP on loopback, and the
// table that shows what happens.
//
// It owns the sample tenants, the script, and the judgement: for each call it says beforehand what its record and tariff
// row must be, adds what the phones saw on the wire and heard, and Check compares that with what the server kept.
//
// It promises that in the first 20 calls all six tariffs and every scenario occur, that the same seed plays the same
// script, and that Run ends every call that it began.
//
// It never reads the server's state to learn what to expect, and knows no shortcut into it: it is a stranger on the wire.
package demo
