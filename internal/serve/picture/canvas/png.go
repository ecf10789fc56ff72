package canvas

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"sync"
)

// PNG draws the sheet and writes it to w; nothing when ctx ends while it draws. It has a palette when 256 colours are
// enough to tell no difference, which halves its size and its time.
func (s *Sheet) PNG(ctx context.Context, w io.Writer) error {
	drawn, err := s.raster(ctx)
	if err != nil {
		return err
	}
	var img image.Image = drawn
	if p := s.pixels.palette(); p != nil {
		img = p
	}
	e := png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: &s.pixels.buffers}
	if err := e.Encode(w, img); err != nil {
		return fmt.Errorf("write png: %w", err)
	}
	return nil
}

// buffers keeps the encoder's memory from one picture to the next.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() *png.EncoderBuffer {
	e, _ := b.pool.Get().(*png.EncoderBuffer)
	return e
}

func (b *buffers) Put(e *png.EncoderBuffer) { b.pool.Put(e) }

// A count says how many pixels have a colour.
type count struct {
	pixel uint32 // as in image.RGBA, little-endian
	n     int32
	index int32 // in the palette; -1 until it is known
}

// A census counts the colours of an image in an open hash table.
type census struct {
	table []count
	used  []int32
}

const (
	tableBits = 15
	maxColors = 1 << (tableBits - 1) // more are a photograph: no palette does
)

// palette returns the image with at most 256 colours, nil when some pixel would
// be visibly off. Most pixels of a graph have a few colours, its edges many
// rare ones; these become the nearest of the frequent ones.
func (r *raster) palette() *image.Paletted {
	c := &r.census
	if !c.take(r.image.Pix) {
		return nil
	}
	colors, ok := c.choose()
	if !ok {
		return nil
	}
	if cap(r.indexed) < len(r.image.Pix)/4 {
		r.indexed = make([]uint8, len(r.image.Pix)/4)
	}
	r.indexed = r.indexed[:len(r.image.Pix)/4]
	last, index := pixelAt(r.image.Pix, 0), uint8(c.find(pixelAt(r.image.Pix, 0)).index)
	for i := range r.indexed {
		if p := pixelAt(r.image.Pix, 4*i); p != last {
			last, index = p, uint8(c.find(p).index)
		}
		r.indexed[i] = index
	}
	return &image.Paletted{Pix: r.indexed, Stride: r.image.Rect.Dx(), Rect: r.image.Rect, Palette: colors}
}

func pixelAt(pix []uint8, i int) uint32 {
	p := pix[i : i+4 : i+4]
	return uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16 | uint32(p[3])<<24
}

// take counts the colours; false when there are too many.
func (c *census) take(pix []uint8) bool {
	if c.table == nil {
		c.table = make([]count, 1<<tableBits)
	}
	for _, i := range c.used {
		c.table[i].n = 0
	}
	c.used = c.used[:0]
	for i := 0; i < len(pix); {
		p := pixelAt(pix, i)
		from := i
		for i += 4; i < len(pix) && pixelAt(pix, i) == p; i += 4 {
		}
		c.find(p).n += int32(i-from) / 4
		if len(c.used) > maxColors {
			return false
		}
	}
	return true
}

// find returns the entry of a colour, which is made when there is none.
func (c *census) find(p uint32) *count {
	for i := p * 0x9E3779B1 >> (32 - tableBits); ; i = (i + 1) % (1 << tableBits) {
		switch e := &c.table[i]; {
		case e.n == 0:
			*e = count{pixel: p, index: -1}
			c.used = append(c.used, int32(i))
			return e
		case e.pixel == p:
			return e
		}
	}
}

func unpack(p uint32) color.RGBA {
	return color.RGBA{uint8(p), uint8(p >> 8), uint8(p >> 16), uint8(p >> 24)}
}
