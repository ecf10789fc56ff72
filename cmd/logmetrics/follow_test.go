package main

import (
	"encoding"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keyOf returns the key of the job that the command line asks for.
func keyOf(t *testing.T, args ...string) string {
	t.Helper()
	c := &console{}
	root, _, _, err := c.parse(append(args, "SyslogParser", "/var/log/syslog"), nil)
	require.NoError(t, err)
	f, err := newFollower(c, &root.Run)
	require.NoError(t, err)
	return f.key
}

// TestEachSettingIsInTheKey: a job whose settings differ in whatever is started
// anew when the configuration is read again.
func TestEachSettingIsInTheKey(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	for _, c := range [][2]string{
		{"--gmetric-options=-d 60", "--gmetric-options=-d 90"},
		{"--cloudwatch-dimensions=a=b", "--cloudwatch-dimensions=a=c"},
		{"--prometheus-buckets=1,2", "--prometheus-buckets=1,3"},
		{"--spool-size=1MiB", "--spool-size=2MiB"},
		{"--self-metrics", "--no-self-metrics"},
		{"--nsca-warn=a=1", "--nsca-warn=a=2"},
	} {
		assert.NotEqual(t, keyOf(t, "-o", "stdout", c[0]), keyOf(t, "-o", "stdout", c[1]), c)
		assert.Equal(t, keyOf(t, "-o", "stdout", c[0]), keyOf(t, "-o", "stdout", c[0]), c)
	}
	app, err := (&console{}).newApp(new(cli), nil)
	require.NoError(t, err)
	for _, f := range allFlags(app.Model.Node) {
		assertShown(t, f.Name, f.Target.Type())
	}
}

// assertShown checks that json shows all of a flag's value.
func assertShown(t *testing.T, name string, typ reflect.Type) {
	t.Helper()
	if typ.Kind() != reflect.Struct || typ.Implements(reflect.TypeFor[json.Marshaler]()) || typ.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return
	}
	for i := range typ.NumField() {
		assert.True(t, typ.Field(i).IsExported(), "--%s: the key of a job does not have its value", name)
	}
}
