//go:build amd64 || arm64

package media

import "unsafe"

// cacheLine is how much memory the processor fetches at once.
const cacheLine = 64

// prefetch hints that so many cache lines from p on, at least one, are soon used. It reads nothing, so that no lock is needed, and p may
// point anywhere.
//
//go:noescape
func prefetch(p unsafe.Pointer, lines int)

// prefetchBehind hints so of what the pointer at p points to, from an offset on. That pointer is read without a lock: an old one, or
// nil, makes a useless hint and no more.
//
//go:noescape
func prefetchBehind(p unsafe.Pointer, offset uintptr, lines int)

// prefetchBeyond hints so of what is two pointers away: that at p, where it is not nil, and that at an offset, first, from where it points to. What
// it points to is memory of this program's, if perhaps another's by now.
//
//go:noescape
func prefetchBeyond(p unsafe.Pointer, first, offset uintptr, lines int)
