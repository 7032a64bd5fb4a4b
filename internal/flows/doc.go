// Package flows plays whole calls in virtual time: softphones and a PBX speak real SIP over a network in memory to the real SIP
// server, the real registrar, the real switchboard and the real store on disk, by a configuration as operators write it.
//
// Each scenario is a few lines that say what people do. What follows of it is written down, with the virtual second of each line: every
// message between a party and the server, what each party is given to hear, what is asked for at the desk, and the record. The
// transcripts are kept in testdata; -update rewrites them.
//
// Audio is negotiated for real and not carried: media needs sockets and its own clock. What a party hears is what the switchboard
// tells media; that media does it is proved in package media and over real sockets.
package flows
