package outputs

// packer joins units (one line, or several that must travel together) into
// packets. An encoder appends a whole unit to buf and calls unit.
type packer struct {
	limit  int  // bytes of the largest packet; a longer unit goes alone
	joined bool // lines are joined by '\n', without one after the last
	single bool // a packet for each unit

	buf  []byte
	mark int // end of the last whole unit
	send func(packet []byte) error
}

// streamLimit is how many bytes of a stream are written at once: few system
// calls, and memory that does not grow with the batch.
const streamLimit = 64 << 10

// begin starts a batch; send must not keep the packets it is given.
func (p *packer) begin(send func(packet []byte) error) {
	p.buf, p.mark, p.send = p.buf[:0], 0, send
}

// unit ends the unit that buf ends with.
func (p *packer) unit() error {
	if p.mark > 0 && (p.single || p.size(len(p.buf)) > p.limit) {
		if err := p.send(p.buf[:p.size(p.mark)]); err != nil {
			return err
		}
		p.buf = p.buf[:copy(p.buf, p.buf[p.mark:])]
	}
	p.mark = len(p.buf)
	return nil
}

// size is the length of the packet that the first n bytes make.
func (p *packer) size(n int) int {
	if p.joined {
		return n - 1
	}
	return n
}

// end sends what is left.
func (p *packer) end() error {
	if p.mark == 0 {
		return nil
	}
	return p.send(p.buf[:p.size(p.mark)])
}
