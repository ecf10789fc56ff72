package newline

import "golang.org/x/sys/cpu"

var fast = cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasPOPCNT

// steps does what Ends does in whole steps.
func steps(dst []uint32, data []byte, from int) (n, next int) {
	if !fast || len(data)-from < step {
		return 0, from
	}
	return stepsAVX2(dst, data, from)
}

//go:noescape
func stepsAVX2(dst []uint32, data []byte, from int) (n, next int)
