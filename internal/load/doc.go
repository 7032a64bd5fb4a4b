// Package load sends and receives RTP for thousands of calls, to measure what carries them.
//
// It owns the far side of benchmarks: a generator that runs in a process of its own, so that the CPU time of the process
// under test is that process's alone, and the handle by which a benchmark starts and asks it. Every packet carries when it was
// sent and its number in its stream, so that loss, order and delay are told from what arrives; arrival is the kernel's
// time stamp, not when the generator came to look.
//
// It promises to keep the pace: streams are spread evenly over the 20 ms, and one that is late is sent late, never left
// out. It never speaks SIP, and never runs in the server. It needs Linux.
package load
