package query

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSeriesCost(t *testing.T) {
	assert.EqualValues(t, reflect.TypeFor[Series]().Size(), 8*seriesCost)
}
