#include "textflag.h"

// func prefetch(p unsafe.Pointer, lines int)
TEXT ·prefetch(SB), NOSPLIT, $0-16
	MOVD p+0(FP), R0
	MOVD lines+8(FP), R1
line:
	PRFM (R0), PLDL1KEEP
	ADD  $64, R0
	SUBS $1, R1
	BNE  line
	RET

// func prefetchBehind(p unsafe.Pointer, offset uintptr, lines int)
TEXT ·prefetchBehind(SB), NOSPLIT, $0-24
	MOVD p+0(FP), R0
	MOVD offset+8(FP), R2
	MOVD lines+16(FP), R1
	MOVD (R0), R0
	ADD  R2, R0
line:
	PRFM (R0), PLDL1KEEP
	ADD  $64, R0
	SUBS $1, R1
	BNE  line
	RET

// func prefetchBeyond(p unsafe.Pointer, first, offset uintptr, lines int)
TEXT ·prefetchBeyond(SB), NOSPLIT, $0-32
	MOVD p+0(FP), R0
	MOVD first+8(FP), R3
	MOVD offset+16(FP), R2
	MOVD lines+24(FP), R1
	MOVD (R0), R0
	CBZ  R0, done
	MOVD (R0)(R3), R0
	ADD  R2, R0
line:
	PRFM (R0), PLDL1KEEP
	ADD  $64, R0
	SUBS $1, R1
	BNE  line
done:
	RET
