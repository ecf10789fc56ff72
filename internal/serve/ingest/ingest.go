// Package ingest takes what others send: sockets become blocks, and blocks
// become samples in the store.
//
// (Contract under construction.) Start from Receiver.
package ingest

// Receiver takes what one socket or one connection brings. It is owned by one
// goroutine, and knows one protocol.
type Receiver interface {
	// Block takes a datagram, or whole lines of a stream, each ended by '\n' but
	// perhaps the last of a stream that ended. b is valid during the call.
	Block(b []byte)
	// Idle says that nothing more waits for now: what is buffered is to be handed on.
	// An error means that it could not be; Idle is called again before the next Block.
	Idle() error
}
