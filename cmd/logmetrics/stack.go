package main

import "os"

// growStack makes the stack of its goroutine as large as a run needs, while there is
// little on it. In the midst of a run the runtime would look up all functions that are on
// it in its tables: 1 MiB of them that would be resident from then on.
//
//go:noinline
func growStack() byte {
	var room [24 << 10]byte
	return room[len(os.Args)%len(room)] // or there would be none
}
