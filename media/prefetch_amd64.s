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

// func prefetchBeyond(p unsafe.Pointer, first, offset uintptr, lines int)
TEXT ·prefetchBeyond(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), AX
	MOVQ first+8(FP), DX
	MOVQ lines+24(FP), CX
	MOVQ (AX), AX
	TESTQ AX, AX
	JZ done
	MOVQ (AX)(DX*1), AX
	ADDQ offset+16(FP), AX
line:
	PREFETCHT0 (AX)
	ADDQ $64, AX
	DECQ CX
	JNZ line
done:
	RET
