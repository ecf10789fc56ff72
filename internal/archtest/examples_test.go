package archtest

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// The example is a module of its own: it must build on the public packages alone.
func TestExampleOutsideTheTree(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "test", "./...")
	cmd.Dir = "../../examples/sshd"
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
