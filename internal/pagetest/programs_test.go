package pagetest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../../"

var binDir string // while tests run

// withPrograms runs tests with a folder for our programs.
func withPrograms(run func() int) int {
	var err error
	if binDir, err = os.MkdirTemp("", "logmetrics-pagetest-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(binDir)
	return run()
}

// built builds them, once for all tests.
var built = sync.OnceValue(func() error {
	out, err := exec.Command("go", "build", "-o", binDir, root+"cmd/logmetrics", root+"demo").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build: %w: %s", err, out)
	}
	return nil
})

// program returns the path of one of our programs.
func program(t *testing.T, name string) string {
	t.Helper()
	require.NoError(t, built())
	return filepath.Join(binDir, name)
}
