package graphiteapi

// AppendValue is for tests.
var AppendValue = appendValue
