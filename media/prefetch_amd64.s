#include "textflag.h"

// func prefetch(p unsafe.Pointer, lines int)
TEXT ·prefetch(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), AX
	MOVQ lines+8(FP), CX
line:
	PREFETCHT0 (AX)
	ADDQ $64, AX
	DECQ CX
	JNZ line
	RET

// func prefetchBehind(p unsafe.Pointer, offset uintptr, lines int)
TEXT ·prefetchBehind(SB), NOSPLIT, $0-24
	MOVQ p+0(FP), AX
	MOVQ lines+16(FP), CX
	MOVQ (AX), AX
	ADDQ offset+8(FP), AX
line:
	PREFETCHT0 (AX)
	ADDQ $64, AX
	DECQ CX
	JNZ line
	RET
