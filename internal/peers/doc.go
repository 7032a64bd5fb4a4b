// Package peers drives the built server with real peers on real sockets: SIPp as PBX and as receptionists' phones, two
// baresip softphones with audio, Kamailio as a trunk, rtpengine as a relay with ICE, Chromium with the pages, and a process that
// is killed in the middle of its work. Its tests run under make peers, each in a network of its own within 127.0.0.0/8; they use
// nothing of the server's insides, only what it prints and keeps.
package peers
