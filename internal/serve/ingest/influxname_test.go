package ingest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/ingest"
	"github.com/logmetrics/logmetrics/internal/wire/graphite"
	"github.com/logmetrics/logmetrics/internal/wire/influx"
)

func seriesNames(t testing.TB, line string) (names []string) {
	t.Helper()
	var p influx.Parser
	var pt influx.Point
	p.Reset([]byte(line))
	ok, err := p.Next(&pt)
	require.True(t, ok)
	require.NoError(t, err)
	for _, f := range pt.Fields {
		names = append(names, string(ingest.SeriesName(nil, &pt, f.Key)))
	}
	return names
}

func TestSeriesName(t *testing.T) {
	for line, want := range map[string][]string{
		"cpu,host=a,core=0 idle=1,value=2":         {"cpu.idle;host=a;core=0", "cpu;host=a;core=0"},
		"cvmfs_absolute,repo=x.cern.ch cvmfs.n=5":  {"cvmfs_absolute.cvmfs.n;repo=x.cern.ch"},
		`disk,path=/var/log,a\ b=c\ d used\ b=1`:   {"disk.used_b;path=/var/log;a_b=c_d"},
		`m;x=y,k;l=v;w,t=~r,caf\=é=ü f;g=1`:        {"m_x_y.f_g;k_l=v_w;t=_r;caf_é=ü"},
		"../../etc/passwd value=1":                 {"_._etc_passwd"},
		"m,k=\xff\x01 ..=1":                        {"m._;k=__"},
		"m,aaa!b^c=" + `"q",z=é` + "\xc3 value=1i": {`m;aaa_b_c=_q_;z=é_`},
		"m,name=eth0,a/b=(x)<y> value=1":           {"m;name_=eth0;a_b=(x)_y_"},
	} {
		assert.Equal(t, want, seriesNames(t, line), line)
	}
}

// FuzzSeriesName checks that the tags of a name are those of the line, and that
// no line end or blank is in it.
func FuzzSeriesName(f *testing.F) {
	f.Add([]byte("cpu,host=a,core=0 idle=1"))
	f.Add([]byte("m;x,~k=~v,é=\xff f.g=1"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var p influx.Parser
		var pt influx.Point
		p.Reset(in)
		if ok, err := p.Next(&pt); !ok || err != nil {
			return
		}
		for _, field := range pt.Fields {
			_, tags := graphite.CutTags(ingest.SeriesName(nil, &pt, field.Key))
			for range pt.Tags {
				_, _, rest, ok := graphite.NextTag(tags)
				require.True(t, ok, "%q", tags)
				tags = rest
			}
			require.Empty(t, tags)
		}
	})
}
