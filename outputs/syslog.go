package outputs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/metric"
)

// Messages of RFC 5424, one for each sample:
//
//	<134>1 2025-10-09T08:53:20Z web1 logmetrics - metric - name=servers.web1.numSent kind=counter value=97 tag.code=200
//
// over UDP a datagram each (RFC 5426), over TCP with their length before them
// (RFC 6587, octet counting). A UNIX socket as /dev/log takes what the C
// library's syslog writes instead, to which rsyslog and journald add host and
// time of their own, so that the batch's second is in the text:
//
//	<134>Oct  9 08:53:20 logmetrics: stamp=1760000000 name=servers.web1.numSent kind=counter value=97

// SyslogOptions are those of the syslog output alone.
type SyslogOptions struct {
	Facility string // "user", "daemon", "local0" ...; "local0"
	Hostname string // of this machine, for the header; "": "-", which means unknown
}

// syslogFacilities are at their numbers; those without a name have no use for us.
var syslogFacilities = []string{
	"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "", "", "", "",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

const severityInfo = 6

func newSyslog(opt Options) (Output, error) {
	to, err := networkOf(opt, "udp", map[string]int{"udp": 514, "tcp": 514, Unixgram: 0})
	if err != nil {
		return nil, fmt.Errorf("syslog: %w", err)
	}
	e, err := newSyslogEncoder(opt)
	if err != nil {
		return nil, fmt.Errorf("syslog: %w", err)
	}
	e.pack = packer{single: true}
	print := dryRun{to: to, what: "datagram"}
	switch to.Protocol {
	case "tcp":
		e.pack, e.counted = packer{limit: streamLimit}, true
		print.what = "stream"
	case Unixgram:
		e.local = true
	}
	return newOutput(opt, e, newDialer(to, opt), print), nil
}

func newSyslogEncoder(opt Options) (*syslogEncoder, error) {
	names, err := newNamingApart(opt)
	if err != nil {
		return nil, err
	}
	name := strings.ToLower(opt.Syslog.Facility)
	if name == "" {
		name = "local0"
	}
	facility := slices.Index(syslogFacilities, name)
	if facility < 0 {
		return nil, fmt.Errorf("no facility %q; there are: %s", opt.Syslog.Facility, strings.Join(slices.DeleteFunc(slices.Clone(syslogFacilities), func(s string) bool { return s == "" }), ", "))
	}
	e := &syslogEncoder{names: names, priority: facility<<3 | severityInfo}
	e.origin = " " + headerText(opt.Syslog.Hostname) + " logmetrics - metric - "
	return e, nil
}

// headerText is a field of the header: up to 255 printable characters without a
// blank, "-" for none.
func headerText(text string) string {
	text = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, text)
	if text == "" {
		return "-"
	}
	return text[:min(len(text), 255)]
}

type syslogEncoder struct {
	names    naming
	priority int
	origin   string // what stands between the time and the message
	counted  bool   // each message has its length before it
	local    bool   // messages are for a server on this host
	fields   []field
	message  []byte
	pack     packer
}

func (e *syslogEncoder) encode(b *metric.Batch, send func([]byte) error) error {
	e.pack.begin(send)
	for i := range b.Samples {
		e.sample(b, &b.Samples[i])
		if e.counted {
			e.pack.buf = append(strconv.AppendInt(e.pack.buf, int64(len(e.message)), 10), ' ')
		}
		e.pack.buf = append(e.pack.buf, e.message...)
		if err := e.pack.unit(); err != nil {
			return err
		}
	}
	return e.pack.end()
}

// sample makes the message. Names and tags hold no blank, '=' or quote.
func (e *syslogEncoder) sample(b *metric.Batch, s *metric.Sample) {
	e.names.set(b, s, "")
	m := append(e.header(e.message[:0], b.Stamp), "name="...)
	m = append(append(append(m, e.names.name...), " kind="...), s.Kind.String()...)
	e.fields = appendFields(e.fields[:0], s)
	for _, f := range e.fields {
		if f.name == "" {
			f.name = "value"
		}
		m = append(append(append(m, ' '), f.name...), '=')
		m = metric.AppendValue(m, f.value, metric.Shortest)
	}
	for _, t := range s.Tags {
		m = appendTag(append(m, " tag."...), t, '=')
	}
	e.message = m
}

func (e *syslogEncoder) header(m []byte, stamp int64) []byte {
	m = append(strconv.AppendInt(append(m, '<'), int64(e.priority), 10), '>')
	at := time.Unix(stamp, 0)
	if e.local {
		m = append(at.AppendFormat(m, time.Stamp), " logmetrics: stamp="...)
		return append(strconv.AppendInt(m, stamp, 10), ' ')
	}
	return append(at.UTC().AppendFormat(append(m, "1 "...), time.RFC3339), e.origin...)
}
