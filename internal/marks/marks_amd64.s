#include "textflag.h"
#include "go_asm.h"

DATA kinds<>+0(SB)/8, $0x2020202020202020  // ' '
DATA kinds<>+8(SB)/8, $0x5b5b5b5b5b5b5b5b  // '['
DATA kinds<>+16(SB)/8, $0x5d5d5d5d5d5d5d5d // ']'
DATA kinds<>+24(SB)/8, $0x3a3a3a3a3a3a3a3a // ':'
DATA kinds<>+32(SB)/8, $0x2c2c2c2c2c2c2c2c // ','
DATA kinds<>+40(SB)/8, $0x3e3e3e3e3e3e3e3e // '>'
DATA kinds<>+48(SB)/8, $0x2222222222222222 // '"'
GLOBL kinds<>(SB), RODATA|NOPTR, $56

DATA nibbles<>+0(SB)/8, $0x0f0f0f0f0f0f0f0f
DATA nibbles<>+8(SB)/8, $0x0f0f0f0f0f0f0f0f
DATA nibbles<>+16(SB)/8, $0x8040201008040201 // a bit for each high nibble
DATA nibbles<>+24(SB)/8, $0
GLOBL nibbles<>(SB), RODATA|NOPTR, $32

// MASK sets a bit of to for each byte of Y5, then Y6, that is the one of kind.
// It uses Y7, Y8 and AX.
#define MASK(kind, to) \
	VPCMPEQB kind, Y5, Y7 \
	VPCMPEQB kind, Y6, Y8 \
	VPMOVMSKB Y7, to \
	VPMOVMSKB Y8, AX \
	SHLQ $32, AX \
	ORQ AX, to

// func headsAVX2(dst *Head, data *byte, from int, ends *uint32, n int, stamp *Stamp)
// n is 1 or more, and each line has Window bytes from its start on.
TEXT ·headsAVX2(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ data+8(FP), SI
	MOVQ from+16(FP), DX
	MOVQ ends+24(FP), R8
	MOVQ n+32(FP), R9
	MOVQ stamp+40(FP), R10
	VPBROADCASTQ kinds<>+0(SB), Y0
	VPBROADCASTQ kinds<>+8(SB), Y1
	VPBROADCASTQ kinds<>+16(SB), Y2
	VPBROADCASTQ kinds<>+24(SB), Y3
	VMOVDQU Stamp_want(R10), Y9
	VMOVDQU Stamp_want+32(R10), Y10
	VMOVDQU Stamp_care(R10), Y11
	VMOVDQU Stamp_care+32(R10), Y12
	MOVQ Stamp_len(R10), R11
	LEAQ 1(SI)(R11*1), R11 // with a line's start: where its host starts

line: // R12 gathers what speaks against the line
	VPAND (SI)(DX*1), Y11, Y5
	VPAND 32(SI)(DX*1), Y12, Y6
	VPXOR Y9, Y5, Y5
	VPXOR Y10, Y6, Y6
	VPOR Y5, Y6, Y5
	XORL R12, R12
	VPTEST Y5, Y5
	SETNE R12

	// A space ends the host, which is not empty and does not end as a tag.
	ADDQ R11, DX
	VMOVDQU (DX), Y5
	VMOVDQU 32(DX), Y6
	MASK(Y0, CX)
	TZCNTQ CX, CX
	SBBQ AX, AX
	ORQ AX, R12
	XORL AX, AX
	CMPB -1(DX)(CX*1), $0x3a
	SETEQ AX
	ORQ AX, R12
	XORL AX, AX
	TESTQ CX, CX
	SETEQ AX
	ORQ AX, R12
	LEAQ 1(DX)(CX*1), DX

	VMOVDQU (DX), Y5
	VMOVDQU 32(DX), Y6
	MASK(Y1, BX)
	MASK(Y2, CX)
	MASK(Y3, R13)
	MASK(Y0, R15)
	ORQ R15, R13 // ends of words

	// The first '[' is not at the start, and before the first ']'.
	MOVQ BX, AX
	ANDL $1, AX
	ORQ AX, R12
	TZCNTQ BX, AX
	MOVB AX, Head_Name(DI)
	BLSIQ BX, BX
	DECQ BX          // the tag
	BLSIQ CX, AX     // the first ']'
	TZCNTQ CX, CX
	LEAQ -1(AX), R15
	ANDNQ BX, R15, R15
	ORQ R15, R12

	// No word ends before the ']' nor three behind it, where the text starts.
	LEAQ -1(AX)(AX*8), R15
	ANDQ R13, R15
	ORQ R15, R12
	MOVL (DX)(CX*1), R15
	ANDL $0xffff00, R15
	XORL $0x203a00, R15
	ORQ R15, R12
	LEAQ -1(AX*8), R15
	ANDNQ R13, R15, R13 // ends of words in the text
	TZCNTQ R13, R13
	SBBQ AX, AX
	ORQ AX, R12

	MOVQ (DX)(R13*1), AX
	MOVQ AX, Head_Key(DI)
	MOVB R13, Head_Word(DI)
	SUBQ SI, DX
	MOVL DX, Head_At(DI)

	// All that is within the line.
	LEAQ 8(DX)(R13*1), AX
	MOVL (R8), DX
	CMPQ DX, AX
	SBBQ AX, AX
	ORQ AX, R12

	ADDL $3, CX
	XORL AX, AX
	TESTQ R12, R12
	CMOVLNE AX, CX
	MOVB CX, Head_Text(DI)

	INCQ DX
	ADDQ $4, R8
	ADDQ $Head__size, DI
	DECQ R9
	JNZ line
	VZEROUPPER
	RET

// FIELDS notes the commas of 32 bytes at off, and leaves these in Y1.
#define FIELDS(off) \
	VMOVDQU off(DX), Y1 \
	VPCMPEQB Y1, Y0, Y5 \
	VPMOVMSKB Y5, AX \
	MOVL AX, (Fields_Comma+off/8)(DI)

// ANGLE notes where in Y1 a '>' or '"' is.
#define ANGLE(off) \
	VPCMPEQB Y1, Y2, Y5 \
	VPCMPEQB Y1, Y3, Y6 \
	VPOR Y5, Y6, Y5 \
	VPMOVMSKB Y5, AX \
	MOVL AX, (Fields_Angle+off/8)(DI)

// func fieldsAVX2(dst *Fields, data *byte, at *uint32, n int, set *Set)
// n is 1 or more; 16 bytes are before each place, and Window from there on.
TEXT ·fieldsAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ data+8(FP), SI
	MOVQ at+16(FP), R8
	MOVQ n+24(FP), R9
	MOVQ set+32(FP), R10
	VMOVDQU (R10), X10
	VMOVDQU nibbles<>+0(SB), X11
	VMOVDQU nibbles<>+16(SB), X12
	VPXOR X13, X13, X13
	VPBROADCASTQ kinds<>+32(SB), Y0
	VPBROADCASTQ kinds<>+40(SB), Y2
	VPBROADCASTQ kinds<>+48(SB), Y3

place:
	MOVL (R8), DX
	ADDQ SI, DX

	// A byte is in the set when the entry of its low nibble has the bit of its
	// high one. VPSHUFB gives 0 for bytes from 0x80 on.
	VMOVDQU -16(DX), X4
	VPSHUFB X4, X10, X5
	VPSRLW $4, X4, X6
	VPAND X6, X11, X6
	VPSHUFB X6, X12, X6
	VPAND X5, X6, X5
	VPCMPEQB X5, X13, X5
	VPMOVMSKB X5, AX
	NOTL AX
	MOVW AX, Fields_Word(DI)

	FIELDS(0)
	ANGLE(0)
	FIELDS(32)
	ANGLE(32)
	FIELDS(64)
	FIELDS(96)
	FIELDS(128)
	FIELDS(160)
	FIELDS(192)
	FIELDS(224)
	ADDQ $4, R8
	ADDQ $Fields__size, DI
	DECQ R9
	JNZ place
	VZEROUPPER
	RET
