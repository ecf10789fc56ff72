package marks

import "golang.org/x/sys/cpu"

var fast = cpu.X86.HasAVX2 && cpu.X86.HasBMI1

func heads(dst []Head, data []byte, from int, ends []uint32, stamp *Stamp) {
	if len(ends) > 0 {
		headsAVX2(&dst[0], &data[0], from, &ends[0], len(ends), stamp)
	}
}

func fields(dst []Fields, data []byte, at []uint32, set *Set) {
	if len(at) > 0 {
		fieldsAVX2(&dst[0], &data[0], &at[0], len(at), set)
	}
}

//go:noescape
func headsAVX2(dst *Head, data *byte, from int, ends *uint32, n int, stamp *Stamp)

//go:noescape
func fieldsAVX2(dst *Fields, data *byte, at *uint32, n int, set *Set)
