package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"time"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/logmetrics/logmetrics/internal/wire/prometheus"
)

// protocol sends rounds. connect returns what sends one, whose error is the
// server's end, and what is to be called then.
type protocol struct {
	listener string // that counts the points
	connect  func(r *rounds, b *backend) (send func(round int) error, done func())
}

// protocols are all that bring points with their own times, by names that can be
// part of any protocol's names.
var protocols = map[string]protocol{
	"carbon":       {"carbon", stream("carbon-tcp", (*rounds).carbon)},
	"pickle":       {"pickle", stream("pickle-tcp", (*rounds).pickle)},
	"influx_udp":   {"influx", influxUDP},
	"influx":       {"http-influx", posts("/write?db=d", "", (*rounds).influx)},
	"remote_write": {"http-prometheus", posts("/api/v1/write", protobuf, (*rounds).remoteWrite)},
	"otlp":         {"http-otlp", posts("/v1/metrics", protobuf, (*rounds).otlp)},
}

const protobuf = "application/x-protobuf"

// shuffled are the series of a round, in an order of its own.
func shuffled() []int { return rand.Perm(perRound) }

// stream sends rounds over one connection.
func stream(source string, encode func(r *rounds, dst []byte, round int) []byte) func(r *rounds, b *backend) (func(int) error, func()) {
	return func(r *rounds, b *backend) (send func(int) error, done func()) {
		conn := b.dial(source)
		var buf []byte
		return func(round int) error {
			buf = encode(r, buf[:0], round)
			_, err := conn.Write(buf)
			return err
		}, func() { conn.Close() }
	}
}

// posts sends rounds as requests, one after the other.
func posts(path, contentType string, encode func(r *rounds, dst []byte, round int) []byte) func(r *rounds, b *backend) (func(int) error, func()) {
	return func(r *rounds, b *backend) (send func(int) error, done func()) {
		ctx, cancel := context.WithCancel(b.t.Context())
		client := &http.Client{Transport: &http.Transport{}}
		var buf []byte
		return func(round int) error {
			buf = encode(r, buf[:0], round)
			return post(ctx, client, "http://"+b.at("http")+path, contentType, buf)
		}, func() { cancel(); client.CloseIdleConnections() }
	}
}

func post(ctx context.Context, client *http.Client, url, contentType string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err = io.Copy(io.Discard, resp.Body); resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s", resp.Status)
	}
	return err
}

func (r *rounds) carbon(dst []byte, round int) []byte {
	for _, i := range shuffled() {
		dst = fmt.Appendf(dst, "%s %v %d\n", r.series(i), r.value(round, i), r.at(round))
	}
	return dst
}

func (r *rounds) pickle(dst []byte, round int) []byte {
	dst = append(dst, 0, 0, 0, 0, '(', 'l')
	for _, i := range shuffled() {
		dst = fmt.Appendf(dst, "(S'%s'\n(I%d\nF%v\ntta", r.series(i), r.at(round), r.value(round, i))
	}
	dst = append(dst, '.')
	binary.BigEndian.PutUint32(dst, uint32(len(dst)-4))
	return dst
}

func (r *rounds) influx(dst []byte, round int) []byte { return r.lines(dst, round, shuffled()) }

// lines appends Influx lines of some series.
func (r *rounds) lines(dst []byte, round int, series []int) []byte {
	for _, i := range series {
		dst = fmt.Appendf(dst, "%s value=%v %d\n", r.series(i), r.value(round, i), r.at(round)*1e9)
	}
	return dst
}

func (r *rounds) remoteWrite(dst []byte, round int) []byte {
	var request []byte
	for _, i := range shuffled() {
		labels := []prometheus.Label{{Name: "__name__", Value: r.series(i)}}
		request = prometheus.AppendSeries(request, labels, prometheus.Sample{Value: r.value(round, i), Milliseconds: r.at(round) * 1000})
	}
	return prometheus.Compress(dst, request)
}

func (r *rounds) otlp(dst []byte, round int) []byte {
	var list []*metricspb.Metric
	for _, i := range shuffled() {
		p := &metricspb.NumberDataPoint{TimeUnixNano: uint64(r.at(round)) * 1e9, Value: &metricspb.NumberDataPoint_AsDouble{AsDouble: r.value(round, i)}}
		list = append(list, &metricspb.Metric{Name: r.series(i), Data: &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{DataPoints: []*metricspb.NumberDataPoint{p}}}})
	}
	data := &metricspb.MetricsData{ResourceMetrics: []*metricspb.ResourceMetrics{{ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: list}}}}}
	dst, err := proto.MarshalOptions{}.MarshalAppend(dst, data)
	if err != nil {
		panic("BUG: " + err.Error()) // of messages that were made here
	}
	return dst
}

// influxUDP sends a round in datagrams, and the next one when that was taken: what
// the kernel drops is nobody's to keep.
func influxUDP(r *rounds, b *backend) (send func(round int) error, done func()) {
	conn := b.dial("influx-udp")
	return func(round int) error {
		for part := range slices.Chunk(shuffled(), 20) {
			if _, err := conn.Write(r.lines(nil, round, part)); err != nil {
				return err
			}
		}
		return r.until(b, (round-r.first+1)*perRound)
	}, func() { conn.Close() }
}

// until waits until the server has taken n points; an error is the server's end.
func (r *rounds) until(b *backend, n int) error {
	for {
		if int(b.figure(`logmetrics_ingest_points_total{listener="`+r.protocol.listener+`"}`)) >= n {
			return nil
		}
		select {
		case <-b.ended:
			return net.ErrClosed
		case <-time.After(2 * time.Millisecond):
		}
	}
}
