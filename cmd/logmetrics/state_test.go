package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/state"
)

// TestPositionInAJournal is not shown as that of a file which is not there.
func TestPositionInAJournal(t *testing.T) {
	pos := state.Position{Cursor: "s=1;i=2"}
	assert.Equal(t, "-", lag("journal:facility=mail", pos))
	assert.Equal(t, "cursor s=1;i=2", shownLog{Cursor: pos.Cursor}.String())
	assert.Equal(t, "no file", lag(t.TempDir()+"/none", state.Position{}))
	assert.Equal(t, "offset 7, inode 9", shownLog{Offset: 7, Inode: 9}.String())
}
