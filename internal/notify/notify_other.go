//go:build !linux

package notify

import (
	"context"
	"errors"
	"fmt"
)

// Notify refuses: kqueue would need a descriptor for every file of a watched directory.
func (Files) Notify(_ context.Context, path string, _ func()) error {
	return fmt.Errorf("watch %q: %w", path, errors.ErrUnsupported)
}
