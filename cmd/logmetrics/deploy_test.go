package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// These tests hold what is in deploy/ to the program, and to the programs that
// it is for.

// loads reads a configuration as the daemon does.
func loads(t *testing.T, text string) []*follower {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	t.Setenv("LOGMETRICS_STATE_DIR", t.TempDir())
	c, _, _ := newConsole()
	followers, err := (&daemonCmd{Config: path}).load(c, &watch{})
	require.NoError(t, err)
	return followers
}

func TestExampleConfiguration(t *testing.T) {
	text := readDoc(t, "deploy/logmetrics.yaml")
	var names []string
	for _, f := range loads(t, text) {
		names = append(names, f.name)
	}
	assert.Equal(t, []string{"mail", "web", "ssh"}, names)

	setting := regexp.MustCompile(`(?m)^# ([a-z-]+: \S+)$`)
	require.Len(t, setting.FindAllString(text, -1), 2)
	all := loads(t, setting.ReplaceAllString(text, "$1"))
	assert.Equal(t, "9144", all[0].cmd.Telemetry)
	assert.Equal(t, []string{"tcp://graphite.example.org:2003"}, all[2].cmd.Graphite.(*graphiteFlags).GraphiteHost)
}

// TestExampleOfServe: the file is one, as it is and with what it has commented out.
func TestExampleOfServe(t *testing.T) {
	text := readDoc(t, "deploy/serve.yaml")
	path := filepath.Join(t.TempDir(), "serve.yaml")
	setting := regexp.MustCompile(`(?m)^# ([a-z-]+: .+)$`)
	require.Len(t, setting.FindAllString(text, -1), 10)
	for _, text := range []string{text, setting.ReplaceAllString(text, "$1")} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		c, _, _ := newConsole()
		c.args = []string{"serve", "--config=" + path}
		k, err := (&serveCmd{Config: path}).withFile(c)
		require.NoError(t, err)
		opt, err := k.options(c, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		assert.Empty(t, opt.Pickle, "off")
	}
}

// deployFiles returns the files below deploy/ by their paths.
func deployFiles(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	require.NoError(t, filepath.WalkDir(root+"deploy", func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			path = strings.TrimPrefix(path, root)
			all[path] = readDoc(t, path)
		}
		return err
	}))
	require.GreaterOrEqual(t, len(all), 10)
	return all
}

// TestCommandsOfDeploy: each command line is one of ours, and each variable is
// a flag's.
func TestCommandsOfDeploy(t *testing.T) {
	command := regexp.MustCompile(`(?m)(?:/usr/local/bin/|^#   |&& )logmetrics((?: +[^\s#&]+)+)`)
	variable := regexp.MustCompile(`\bLOGMETRICS_([A-Z_]+)\b`)
	c, _, _ := newConsole()
	app, err := c.newApp(newCLI(), nil)
	require.NoError(t, err)
	flags := make(map[string]bool)
	for _, f := range allFlags(app.Model.Node) {
		flags[strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))] = true
	}
	commands, variables := 0, 0
	for path, text := range deployFiles(t) {
		for _, m := range command.FindAllStringSubmatch(text, -1) {
			if strings.Contains(path, "Dockerfile") || strings.Contains(path, "kubernetes") {
				continue // they have lists of words
			}
			commands++
			_, _, _, err := c.parse(strings.Fields(m[1]), nil)
			assert.NoError(t, err, "%s: %s", path, m[0])
		}
		for _, m := range variable.FindAllStringSubmatch(text, -1) {
			variables++
			assert.True(t, flags[m[1]], "%s: %s", path, m[0])
		}
	}
	assert.GreaterOrEqual(t, commands, 7)
	assert.GreaterOrEqual(t, variables, 4)
}

// unitsIn copies the units into a directory, with our own binary in them.
func unitsIn(t *testing.T, dir string) (paths []string) {
	t.Helper()
	bin, err := os.Executable()
	require.NoError(t, err)
	for path, text := range deployFiles(t) {
		if ext := filepath.Ext(path); ext == ".service" || ext == ".timer" {
			paths = append(paths, filepath.Join(dir, filepath.Base(path)))
			require.NoError(t, os.WriteFile(paths[len(paths)-1], []byte(strings.ReplaceAll(text, "/usr/local/bin/logmetrics", bin)), 0o644))
		}
	}
	require.Len(t, paths, 4)
	return paths
}

// TestUnitsAreHardened: systemd's own measure of what a service could do.
func TestUnitsAreHardened(t *testing.T) {
	analyze := testutil.Peer(t, "systemd-analyze")
	level := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`)
	for _, unit := range unitsIn(t, t.TempDir()) {
		if filepath.Ext(unit) != ".service" {
			continue
		}
		out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--no-pager", unit).CombinedOutput()
		require.NoError(t, err, "%s", out)
		m := level.FindSubmatch(out)
		require.NotNil(t, m, "%s", out)
		exposure, err := strconv.ParseFloat(string(m[1]), 64)
		require.NoError(t, err)
		assert.LessOrEqual(t, exposure, 2.0, "%s", out)
		t.Logf("%s: %.1f", filepath.Base(unit), exposure)
	}
}

// TestUnitsAreRight: systemd knows every setting. It looks at the machine's
// other units, too; what it says of those is not ours.
func TestUnitsAreRight(t *testing.T) {
	analyze := testutil.Peer(t, "systemd-analyze")
	units := unitsIn(t, t.TempDir())
	out, err := exec.CommandContext(t.Context(), analyze, append([]string{"verify", "--man=no"}, units...)...).CombinedOutput()
	assert.NoError(t, err, "%s", out)
	for line := range strings.Lines(string(out)) {
		assert.NotContains(t, line, "logmetrics")
	}
}

func TestSysusers(t *testing.T) {
	sysusers := testutil.Peer(t, "systemd-sysusers")
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "etc"), 0o755))
	conf, err := filepath.Abs(root + "deploy/systemd/sysusers.conf")
	require.NoError(t, err)
	text, err := os.Open(conf)
	require.NoError(t, err)
	defer text.Close()
	cmd := exec.CommandContext(t.Context(), sysusers, "--root="+dir, "-")
	cmd.Stdin = text
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	passwd, err := os.ReadFile(filepath.Join(dir, "etc/passwd"))
	require.NoError(t, err)
	assert.Regexp(t, `(?m)^logmetrics:x?\*?:\d+:\d+:Metrics from logs:/var/lib/logmetrics:/usr/sbin/nologin$`, string(passwd))
	assert.Contains(t, readDoc(t, "deploy/systemd/logmetrics.service"), "\nUser=logmetrics\n")
}

// TestDockerfile: what it copies is there, it copies all that the program is
// made of, and the image runs it as nobody in particular.
func TestDockerfile(t *testing.T) {
	text := readDoc(t, "deploy/Dockerfile")
	var copied []string
	for _, m := range regexp.MustCompile(`(?m)^COPY ([^-].*) \S+$`).FindAllStringSubmatch(text, -1) {
		for source := range strings.FieldsSeq(m[1]) {
			_, err := os.Stat(root + source)
			assert.NoError(t, err)
			copied = append(copied, source)
		}
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	require.NoError(t, err)
	packages := 0
	for path := range strings.FieldsSeq(string(out)) {
		if own, ok := strings.CutPrefix(path, "github.com/logmetrics/logmetrics/"); ok {
			packages++
			top, _, _ := strings.Cut(own, "/")
			assert.Contains(t, copied, top)
		}
	}
	assert.Greater(t, packages, 10)
	_, image, ok := strings.Cut(text, "\nFROM scratch\n")
	require.True(t, ok)
	assert.Regexp(t, `(?m)^USER [1-9]\d*:[1-9]\d*$`, image)
	assert.NotContains(t, image, "\nRUN ")

	var args []string
	for _, key := range []string{"ENTRYPOINT", "CMD"} {
		var words []string
		m := regexp.MustCompile(`(?m)^` + key + ` (\[.*\])$`).FindStringSubmatch(image)
		require.NotNil(t, m, key)
		require.NoError(t, json.Unmarshal([]byte(m[1]), &words))
		args = append(args, words...)
	}
	assert.Contains(t, image, " "+args[0]+"\n", "the binary is where it is run from")
	c, _, _ := newConsole()
	_, _, _, err = c.parse(args[1:], nil)
	assert.NoError(t, err)
}

// manifest is what the test asks of a Kubernetes object.
type manifest struct {
	Kind string
	Data map[string]string
	Spec struct {
		Template struct {
			Spec struct {
				AutomountServiceAccountToken *bool `yaml:"automountServiceAccountToken"`
				HostNetwork                  bool  `yaml:"hostNetwork"`
				HostPID                      bool  `yaml:"hostPID"`
				Containers                   []container
				Volumes                      []struct{ Name string }
			}
		}
	}
}

type container struct {
	Args         []string
	VolumeMounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
	SecurityContext struct {
		Privileged               bool
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities             struct{ Add, Drop []string }
		SeccompProfile           struct{ Type string } `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
}

// TestKubernetes: the objects are what they should be, the configuration in
// them is good, and the container may do little.
func TestKubernetes(t *testing.T) {
	byKind := make(map[string]manifest)
	for d := yaml.NewDecoder(strings.NewReader(readDoc(t, "deploy/kubernetes.yaml"))); ; {
		var m manifest
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		byKind[m.Kind] = m
	}
	require.Contains(t, byKind, "ConfigMap")
	followers := loads(t, byKind["ConfigMap"].Data["logmetrics.yaml"])
	assert.Equal(t, []string{"/var/log/containers/*.log"}, followers[0].cmd.Logs)

	pod := byKind["DaemonSet"].Spec.Template.Spec
	assert.False(t, *pod.AutomountServiceAccountToken || pod.HostNetwork || pod.HostPID)
	require.Len(t, pod.Containers, 1)
	c := pod.Containers[0]
	console, _, _ := newConsole()
	cli := newCLI()
	_, _, err := console.parseInto(cli, c.Args, nil)
	require.NoError(t, err)
	volumes := make(map[string]bool)
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for _, m := range c.VolumeMounts {
		assert.True(t, volumes[m.Name], m.Name)
		assert.Equal(t, m.Name != "state", m.ReadOnly, "%s is read only", m.Name)
		if m.Name == "config" {
			assert.Equal(t, m.MountPath+"/logmetrics.yaml", cli.Daemon.Config)
		}
	}
	assert.Len(t, c.VolumeMounts, len(volumes))
	may := c.SecurityContext
	assert.False(t, may.Privileged || *may.AllowPrivilegeEscalation)
	assert.True(t, may.ReadOnlyRootFilesystem)
	assert.Equal(t, []string{"ALL"}, may.Capabilities.Drop)
	assert.Empty(t, may.Capabilities.Add)
	assert.Equal(t, "RuntimeDefault", may.SeccompProfile.Type)
}

// TestCronFile has the form of /etc/cron.d, with a user, and no % that would end a command.
func TestCronFile(t *testing.T) {
	entries := 0
	for line := range bytes.Lines([]byte(readDoc(t, "deploy/cron/logmetrics"))) {
		if bytes.HasPrefix(line, []byte("*")) {
			entries++
			assert.Regexp(t, `^\* \* \* \* \* [a-z]+ /usr/local/bin/logmetrics [^%]+\n$`, string(line))
		}
	}
	assert.Equal(t, 1, entries)
}
