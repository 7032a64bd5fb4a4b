// Package softphone is the far side of the wire for demonstrations and tests: headless SIP phones and a PBX with real
// sockets and real audio.
//
// It owns user agents on the stack of package wire. A Phone registers with digest and answers, holds, transfers and
// consults like a receptionist's softphone; a PBX places calls as a trunk does and plays the numbers behind it. Each
// dialog is a Call with an audio stream: G.711 sent every 20 ms, and an ear that counts packets and tells which tones it
// heard, so that a test can say who heard whom. What a call saw on the wire is kept with its instants in a Trace.
//
// It promises that every request gets a final answer, that every call ends when its phone is closed, and that nothing
// waits but for a context or the media clock.
//
// It never shares code with the server's own dialog layer or media, so that the two are proved against each other, and
// it takes no measures against hostile peers: it speaks to the server under test and nobody else.
package softphone
