// Package ingest takes what others send: sockets become blocks, and blocks
// become samples in the store.
//
// A listener ([UDP], [TCP]) knows sockets and their limits; a [Receiver] knows
// one protocol. [Points] makes the receivers of the protocols that carry
// points: carbon's lines and pickles, Influx's datagrams.
//
// It promises that nothing that is sent can stop it or make it take memory
// without bound, that one sender cannot keep others from being heard, that UDP
// is never answered, and that whatever is not taken is counted under the name
// of its listener and a reason. It does not aggregate, and decides nothing
// about names: the store does. Start from [Receiver] and [ListenTCP].
package ingest

// Receiver takes what one socket or one connection brings. It is used by one
// goroutine at a time, and knows one protocol.
type Receiver interface {
	// Block takes a datagram, a frame, or whole lines of a stream, each ended by '\n' but
	// perhaps the last of a stream that ended. b is valid during the call.
	Block(b []byte)
	// Idle says that nothing more waits for now: what is buffered is to be handed on.
	// An error means that it could not be; Idle is called again before the next Block.
	// It is also called before the first Block after a pause, which may have lasted days.
	Idle() error
}

// Judge is a Receiver that can find that a stream makes no sense any more.
type Judge interface {
	Receiver
	// Broken reports whether the last Block was such that its stream is to be closed.
	Broken() bool
}
