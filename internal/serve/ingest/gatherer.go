package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/wire/gatherer"
	"github.com/logmetrics/logmetrics/metric"
)

// BatchWriter is what a Gatherer needs of a [store.Writer].
type BatchWriter interface {
	Merge(name []byte, m metric.Method, unix int64, b metric.Bucket) store.Refusal
	Commit(id metric.BatchID) (repeated bool, err error)
	Reset()
}

// GathererOptions configure a [Gatherer]. The zero value but Writer works.
type GathererOptions struct {
	Writer  func() BatchWriter // makes one; called Writers times by NewGatherer
	Writers int                // batches that are being written at a time; 0: 4. Each interns all names
	// MaxHeld is how many bytes of bodies may wait for a writer; 0: 64 MiB.
	MaxHeld int64
	// BodyTime is for how long a body may take to arrive; 0: 30 s.
	BodyTime time.Duration
	Log      *slog.Logger // nil: none
}

// Gatherer is the handler of [gatherer.Path]: it takes batches of the extractor.
//
// It promises to answer 200 only when all of the batch is durable together with
// its ID, so that a batch which comes again is known, and changes nothing. After
// any other answer nothing of the batch was taken. It is asked by those only who
// may write: who that is, is not its business. It may be used concurrently.
type Gatherer struct {
	opt     GathererOptions
	writers chan *batchWriter   // those that are free
	held    *semaphore.Weighted // bytes of bodies
	plain   *semaphore.Weighted // bytes of batches that are unpacked
	count   gathererCounts
}

// batchWriter is what one request has to itself while its batch is written.
type batchWriter struct {
	store   BatchWriter
	decoder *gatherer.Decoder
	series  seriesWriter
}

// NewGatherer returns a Gatherer.
func NewGatherer(opt GathererOptions) *Gatherer {
	opt.Writers = cmp.Or(opt.Writers, 4)
	opt.MaxHeld = cmp.Or(opt.MaxHeld, 64<<20)
	opt.BodyTime = cmp.Or(opt.BodyTime, 30*time.Second)
	opt.Log = logger(opt.Log)
	g := &Gatherer{
		opt:     opt,
		writers: make(chan *batchWriter, opt.Writers),
		held:    semaphore.NewWeighted(opt.MaxHeld),
		// One of the largest at a time, or many of the usual ones.
		plain: semaphore.NewWeighted(gatherer.MaxPlain),
	}
	for range opt.Writers {
		g.writers <- &batchWriter{store: opt.Writer(), decoder: gatherer.NewDecoder()}
	}
	return g
}

// turnedAway is why a request is not answered by 200.
type turnedAway struct {
	reason gathererReason
	err    error
}

func (e *turnedAway) Error() string { return e.err.Error() }
func (e *turnedAway) Unwrap() error { return e.err }

func away(reason gathererReason, format string, args ...any) error {
	return &turnedAway{reason, fmt.Errorf(format, args...)}
}

// ServeHTTP implements http.Handler.
func (g *Gatherer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := g.take(w, r)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(gatherer.AppendAnswer(nil, answer)) // a client that is gone asks again
}

// refuse answers, counts, and shows an example in the log.
func (g *Gatherer) refuse(w http.ResponseWriter, r *http.Request, err error) {
	reason := gathererFailed
	if why := (*turnedAway)(nil); errors.As(err, &why) {
		reason = why.reason
	}
	g.count.refused[reason].Add(1)
	if g.count.notice.due() {
		g.opt.Log.Warn("a batch is not taken", "source", "gatherer", "client", r.RemoteAddr, "reason", reason.String(), "err", err)
	}
	how := gathererRefusals[reason]
	if how.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(how.retry))
	}
	if how.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	http.Error(w, err.Error(), how.status)
}

// take brings a request's batch into the store.
func (g *Gatherer) take(w http.ResponseWriter, r *http.Request) (a gatherer.Answer, err error) {
	switch {
	case r.Method != http.MethodPost:
		return a, away(gathererMethod, "%.20q is not POST", r.Method)
	case r.Header.Get("Content-Encoding") != gatherer.Encoding:
		return a, away(gathererType, "Content-Encoding %.200q is not %s", r.Header.Get("Content-Encoding"), gatherer.Encoding)
	}
	body, err := g.read(w, r)
	defer g.held.Release(int64(cap(body)))
	if err != nil {
		return a, err
	}
	g.count.bytes.Add(uint64(len(body)))
	size, err := gatherer.Size(body)
	if err != nil {
		return a, bad(err)
	}
	writer, done, err := g.turn(r.Context(), size)
	if err != nil {
		return a, err
	}
	defer done()
	b, err := writer.decoder.Parse(body)
	if err != nil {
		return a, bad(err)
	}
	return g.write(writer, b)
}

// bad says what is wrong with a body.
func bad(err error) error {
	if errors.Is(err, gatherer.ErrTooLarge) {
		return &turnedAway{gathererTooLarge, err}
	}
	return &turnedAway{gathererBadBatch, err}
}

// bodyStep is how many bytes of a body are first made room for; then twice as
// many. A client that says much and sends little holds no more than that.
const bodyStep = 16 << 10

// read reads the body; as many bytes as its buffer has are held, also after an error.
func (g *Gatherer) read(w http.ResponseWriter, r *http.Request) (body []byte, err error) {
	// Not supported by writers of tests, which do not wait either.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(g.opt.BodyTime))
	for {
		if len(body) == cap(body) {
			if body, err = g.grow(body); err != nil {
				return body, err
			}
		}
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > gatherer.MaxBody:
			return body, away(gathererTooLarge, "%w: the body has more than %d bytes", gatherer.ErrTooLarge, gatherer.MaxBody)
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return body, away(gathererGone, "the body is cut, or came too slowly: %w", err)
		}
	}
}

// grow returns the body in a larger buffer, which holds that many more bytes.
func (g *Gatherer) grow(body []byte) ([]byte, error) {
	size := max(bodyStep, 2*cap(body))
	if !g.held.TryAcquire(int64(size - cap(body))) {
		return body, away(gathererBusy, "too many batches wait")
	}
	larger := make([]byte, len(body), size)
	copy(larger, body)
	return larger, nil
}

// turn waits for a writer, and for memory for a batch of size bytes; done gives
// both back.
func (g *Gatherer) turn(ctx context.Context, size int64) (b *batchWriter, done func(), err error) {
	if err := g.plain.Acquire(ctx, size); err != nil {
		return nil, nil, away(gathererGone, "wait for a turn: %w", err)
	}
	select {
	case b = <-g.writers:
	case <-ctx.Done():
		g.plain.Release(size)
		return nil, nil, away(gathererGone, "wait for a turn: %w", ctx.Err())
	}
	return b, func() {
		b.store.Reset() // what was not committed
		g.writers <- b
		g.plain.Release(size)
	}, nil
}

// write writes the batch and commits it under its ID.
func (g *Gatherer) write(w *batchWriter, b *metric.Batch) (a gatherer.Answer, err error) {
	w.series.begin(w.store, b)
	for i := range b.Samples {
		w.series.sample(&b.Samples[i])
	}
	refused := w.series.refused
	if refused[store.TooManyNew] > 0 {
		return a, away(gathererTooManyNew, "too many new names at a time")
	}
	a.Repeated, err = w.store.Commit(b.ID)
	switch {
	case errors.Is(err, store.ErrIdentities):
		return a, &turnedAway{gathererTooManyIdentities, err}
	case err != nil:
		return a, away(gathererStore, "the store takes nothing now: %w", err)
	}
	if a.Repeated {
		g.count.repeated.Add(1)
		return a, nil
	}
	g.count.taken(len(b.Samples), refused)
	for why, n := range refused {
		if store.Refusal(why) != store.Taken {
			a.Refused += n
		}
	}
	return a, nil
}
