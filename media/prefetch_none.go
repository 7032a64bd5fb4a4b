//go:build !amd64 && !arm64

package media

import "unsafe"

const cacheLine = 64

func prefetch(unsafe.Pointer, int) {}

func prefetchBehind(unsafe.Pointer, uintptr, int) {}

func prefetchBeyond(unsafe.Pointer, uintptr, uintptr, int) {}
