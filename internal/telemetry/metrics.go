package telemetry

import (
	"cmp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/logmetrics/logmetrics/internal/lazy"
)

// Prometheus' text format, as its documentation of exposition formats has it:
//
//	# HELP logmetrics_lines_total What it is.
//	# TYPE logmetrics_lines_total counter
//	logmetrics_lines_total{job="mail"} 1027

// maxLogs is for how many logs the lag is told, those furthest behind: a glob
// may match any number, and each would be series for ever.
const maxLogs = 1000

// exposition is a page of metrics. Samples follow their family.
type exposition struct {
	buf  []byte
	name string // of the family
}

func (e *exposition) family(name, kind, help string) {
	e.name = name
	e.buf = append(e.buf, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+kind+"\n"...)
}

// sample adds a sample with labels, given as names each followed by its value.
func (e *exposition) sample(value float64, labels ...string) {
	e.buf = append(e.buf, e.name...)
	for i := 0; i < len(labels); i += 2 {
		e.buf = append(e.buf, "{,"[min(i, 1)])
		e.buf = append(append(e.buf, labels[i]...), `="`...)
		e.buf = append(append(e.buf, escapeLabel.Get().Replace(strings.ToValidUTF8(labels[i+1], "\ufffd"))...), '"')
	}
	if len(labels) > 0 {
		e.buf = append(e.buf, '}')
	}
	e.buf = strconv.AppendFloat(append(e.buf, ' '), value, 'g', -1, 64)
	e.buf = append(e.buf, '\n')
}

var escapeLabel = lazy.Value[*strings.Replacer]{Make: func() *strings.Replacer { return strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`) }}

func (e *exposition) gauge(name, help string, value float64) {
	e.family(name, "gauge", help)
	e.sample(value)
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// appendMetrics appends all that /metrics tells.
func appendMetrics(dst []byte, opt Options) []byte {
	e := &exposition{buf: dst}
	r := opt.Report()
	e.family("logmetrics_build_info", "gauge", "The program; always 1.")
	e.sample(1, "version", opt.Version, "goversion", runtime.Version())
	if r.Stages == nil {
		e.allOfJobs(r.Jobs)
	} else {
		e.stages(r.Stages)
	}
	if r.Reload != nil {
		e.gauge("logmetrics_config_reload_success", "Whether the configuration was taken when it was read last.", yes(r.Reload.OK))
		e.gauge("logmetrics_config_last_reload_timestamp_seconds", "When the configuration in force was taken.", float64(r.Reload.At.UnixMilli())/1e3)
	}
	e.process(opt.Began)
	return e.buf
}

func (e *exposition) allOfJobs(jobs []Job) {
	e.jobs(jobs)
	e.account(jobs)
	e.outputs(jobs)
	e.logs(jobs)
}

func (e *exposition) jobs(jobs []Job) {
	e.gauge("logmetrics_jobs", "Jobs of the configuration.", float64(len(jobs)))
	for _, f := range []struct {
		name, kind, help string
		value            func(*Job) float64
	}{
		{"logmetrics_job_up", "gauge", "Whether the job runs and goes round; 0 while it waits to be started again, or hangs.", func(j *Job) float64 { return yes(j.Running && !j.Hung) }},
		{"logmetrics_job_ready", "gauge", "Whether the job has its lock, has read what was there, and nothing keeps it from going on.", func(j *Job) float64 { return yes(j.Ready) }},
		{"logmetrics_job_starts_total", "counter", "How often the job was started; more than once after errors.", func(j *Job) float64 { return float64(j.Starts) }},
	} {
		e.family(f.name, f.kind, f.help)
		for i := range jobs {
			e.sample(f.value(&jobs[i]), "job", jobs[i].Name)
		}
	}
}

// account adds what the jobs tell of themselves, a family for each figure.
func (e *exposition) account(jobs []Job) {
	seen := make(map[string]bool)
	for i := range jobs {
		for _, f := range jobs[i].Figures {
			if !seen[f.Name] {
				seen[f.Name] = true
				e.figure(f, jobs[i:])
			}
		}
	}
}

// figure adds the family of f, with the value of each job that has it.
func (e *exposition) figure(f Figure, jobs []Job) {
	name, kind := "logmetrics_"+snake(f.Name), "gauge"
	if f.Counter {
		name, kind = name+"_total", "counter"
	}
	e.family(name, kind, f.Name+" of the job's own account.")
	for i := range jobs {
		for _, own := range jobs[i].Figures {
			if own.Name == f.Name {
				e.sample(own.Value, own.labels("job", jobs[i].Name)...)
			}
		}
	}
}

// labels returns the figure's labels behind those given, as sample takes them.
func (f Figure) labels(before ...string) []string {
	for _, l := range f.Labels {
		before = append(before, l.Key, l.Value)
	}
	return before
}

// snake turns "bytesLost" into "bytes_lost".
func snake(name string) string {
	var b strings.Builder
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

func (e *exposition) outputs(jobs []Job) {
	e.family("logmetrics_output_up", "gauge", "Whether the output took what it was sent last.")
	for i := range jobs {
		for _, o := range jobs[i].Outputs {
			e.sample(yes(o.Up), "job", jobs[i].Name, "output", o.Name)
		}
	}
}

// lagging is a log with its job.
type lagging struct {
	Log
	job string
}

// logs adds the lag of the logs that are furthest behind.
func (e *exposition) logs(jobs []Job) {
	var all []lagging
	for i := range jobs {
		for _, l := range jobs[i].Logs {
			all = append(all, lagging{l, jobs[i].Name})
		}
	}
	slices.SortFunc(all, func(a, b lagging) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.job, b.job), cmp.Compare(a.Path, b.Path))
	})
	shown := all[:min(len(all), maxLogs)]
	e.family("logmetrics_log_lag_bytes", "gauge", "Bytes of the log that are not read yet.")
	for _, l := range shown {
		e.sample(float64(l.Bytes), "job", l.job, "log", l.Path)
	}
	e.family("logmetrics_log_lag_seconds", "gauge", "Age of the newest bytes that are not read yet; 0 without any.")
	for _, l := range shown {
		e.sample(float64(l.Seconds), "job", l.job, "log", l.Path)
	}
	e.gauge("logmetrics_logs", "Logs that are read.", float64(len(all)))
	e.gauge("logmetrics_logs_not_shown", "Logs whose lag is not told here, being less than that of those that are.", float64(len(all)-len(shown)))
}
