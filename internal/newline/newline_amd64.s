#include "textflag.h"

DATA newlines<>+0(SB)/8, $0x0a0a0a0a0a0a0a0a
GLOBL newlines<>(SB), RODATA|NOPTR, $8

// func stepsAVX2(dst []uint32, data []byte, from int) (n, next int)
// len(data)-from and len(dst) are 64 or more.
TEXT ·stepsAVX2(SB), NOSPLIT, $0-72
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), R9
	MOVQ data_base+24(FP), SI
	MOVQ data_len+32(FP), R10
	MOVQ from+48(FP), DX
	LEAQ -256(DI)(R9*4), R9 // the last place with room for 64
	SUBQ $64, R10           // the last offset of a step
	VPBROADCASTQ newlines<>(SB), Y0

step:
	VMOVDQU (SI)(DX*1), Y1
	VMOVDQU 32(SI)(DX*1), Y2
	VPCMPEQB Y0, Y1, Y1
	VPCMPEQB Y0, Y2, Y2
	VPMOVMSKB Y1, AX
	VPMOVMSKB Y2, BX
	SHLQ $32, BX
	ORQ  BX, AX

	// Two are noted whether they are there or not; the count says how many are.
	POPCNTQ AX, R11
	TZCNTQ AX, CX
	ADDQ DX, CX
	MOVL CX, (DI)
	BLSRQ AX, AX
	TZCNTQ AX, CX
	ADDQ DX, CX
	MOVL CX, 4(DI)
	BLSRQ AX, AX
	JNZ  more

advance:
	LEAQ (DI)(R11*4), DI
	ADDQ $64, DX
	CMPQ DX, R10
	JGT  done
	CMPQ DI, R9
	JLS  step

done:
	VZEROUPPER
	SUBQ dst_base+0(FP), DI
	SHRQ $2, DI
	MOVQ DI, n+56(FP)
	MOVQ DX, next+64(FP)
	RET

more: // lines of less than 32 bytes
	LEAQ 8(DI), R12
rest:
	TZCNTQ AX, CX
	ADDQ DX, CX
	MOVL CX, (R12)
	ADDQ $4, R12
	BLSRQ AX, AX
	JNZ  rest
	JMP  advance
