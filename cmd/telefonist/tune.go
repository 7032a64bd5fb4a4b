package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// collectAt is how much garbage, in percent of what lives, is let lie before the collector runs. Go's own choice of 100
// costs half more heap; at 40 a call takes 55 KB of memory at 1,000 calls where it takes 60 at 50, for no more CPU that could be measured
// (docs/performance.md).
const collectAt = 40

// tune makes room for a running server's audio. Its threads are locked, and each keeps one of the scheduler's places while
// it waits for packets: where the scheduler has no more of these than the machine has cores, every packet's thread must ask
// for its place back, and during a collection waits until the collector hands one over, for 10 ms and more.
//
// GOMAXPROCS says how many cores there are, as ever, and GOGC goes before our own choice of it.
func tune(audioThreads int) {
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + audioThreads)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
}
