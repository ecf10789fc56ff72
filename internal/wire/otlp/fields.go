package otlp

import "google.golang.org/protobuf/encoding/protowire"

// jsonField is a field of a message: its name in JSON, and what it is in
// protobuf. The tables below have the fields that the parser reads, besides
// units and descriptions.
type jsonField struct {
	name   string
	number protowire.Number
	is     jsonKind
	list   bool
	fields []jsonField // of a message
}

// jsonKind is what a value is in protobuf.
type jsonKind uint8

const (
	aMessage     jsonKind = iota
	aText                 // string
	aFixed                // fixed64
	aSignedFixed          // sfixed64
	aUnsigned             // uint64, uint32
	aSigned               // int64
	aZigZag               // sint32
	aDouble               // double
	aBool                 // bool
	aTemporality          // an enumeration
)

var (
	jsonRequest = []jsonField{{name: "resourceMetrics", number: 1, list: true, fields: jsonResourceMetrics}}

	jsonResourceMetrics = []jsonField{
		{name: "resource", number: 1, fields: []jsonField{{name: "attributes", number: 1, list: true, fields: jsonAttribute}}},
		{name: "scopeMetrics", number: 2, list: true, fields: jsonScopeMetrics},
	}
	jsonScopeMetrics = []jsonField{
		{name: "scope", number: 1, fields: []jsonField{{name: "attributes", number: 3, list: true, fields: jsonAttribute}}},
		{name: "metrics", number: 2, list: true, fields: jsonMetric},
	}
	jsonMetric = []jsonField{
		{name: "name", number: 1, is: aText},
		{name: "gauge", number: 5, fields: []jsonField{{name: "dataPoints", number: 1, list: true, fields: jsonNumber}}},
		{name: "sum", number: 7, fields: []jsonField{
			{name: "dataPoints", number: 1, list: true, fields: jsonNumber},
			{name: "aggregationTemporality", number: 2, is: aTemporality},
			{name: "isMonotonic", number: 3, is: aBool},
		}},
		{name: "histogram", number: 9, fields: []jsonField{
			{name: "dataPoints", number: 1, list: true, fields: jsonHistogram},
			{name: "aggregationTemporality", number: 2, is: aTemporality},
		}},
		{name: "exponentialHistogram", number: 10, fields: []jsonField{
			{name: "dataPoints", number: 1, list: true, fields: jsonExponential},
			{name: "aggregationTemporality", number: 2, is: aTemporality},
		}},
		{name: "summary", number: 11, fields: []jsonField{{name: "dataPoints", number: 1, list: true, fields: jsonSummary}}},
	}
	jsonAttribute = []jsonField{
		{name: "key", number: 1, is: aText},
		{name: "value", number: 2, fields: []jsonField{
			{name: "stringValue", number: 1, is: aText},
			{name: "boolValue", number: 2, is: aBool},
			{name: "intValue", number: 3, is: aSigned},
			{name: "doubleValue", number: 4, is: aDouble},
		}},
	}
	jsonNumber = []jsonField{
		{name: "startTimeUnixNano", number: 2, is: aFixed},
		{name: "timeUnixNano", number: 3, is: aFixed},
		{name: "asDouble", number: 4, is: aDouble},
		{name: "asInt", number: 6, is: aSignedFixed},
		{name: "attributes", number: 7, list: true, fields: jsonAttribute},
		{name: "flags", number: 8, is: aUnsigned},
	}
	jsonHistogram = []jsonField{
		{name: "startTimeUnixNano", number: 2, is: aFixed},
		{name: "timeUnixNano", number: 3, is: aFixed},
		{name: "count", number: 4, is: aFixed},
		{name: "sum", number: 5, is: aDouble},
		{name: "bucketCounts", number: 6, is: aFixed, list: true},
		{name: "explicitBounds", number: 7, is: aDouble, list: true},
		{name: "attributes", number: 9, list: true, fields: jsonAttribute},
		{name: "flags", number: 10, is: aUnsigned},
		{name: "min", number: 11, is: aDouble},
		{name: "max", number: 12, is: aDouble},
	}
	jsonExponential = []jsonField{
		{name: "attributes", number: 1, list: true, fields: jsonAttribute},
		{name: "startTimeUnixNano", number: 2, is: aFixed},
		{name: "timeUnixNano", number: 3, is: aFixed},
		{name: "count", number: 4, is: aFixed},
		{name: "sum", number: 5, is: aDouble},
		{name: "scale", number: 6, is: aZigZag},
		{name: "zeroCount", number: 7, is: aFixed},
		{name: "positive", number: 8, fields: jsonSide},
		{name: "negative", number: 9, fields: jsonSide},
		{name: "flags", number: 10, is: aUnsigned},
		{name: "min", number: 12, is: aDouble},
		{name: "max", number: 13, is: aDouble},
	}
	jsonSide = []jsonField{
		{name: "offset", number: 1, is: aZigZag},
		{name: "bucketCounts", number: 2, is: aUnsigned, list: true},
	}
	jsonSummary = []jsonField{
		{name: "startTimeUnixNano", number: 2, is: aFixed},
		{name: "timeUnixNano", number: 3, is: aFixed},
		{name: "count", number: 4, is: aFixed},
		{name: "sum", number: 5, is: aDouble},
		{name: "quantileValues", number: 6, list: true, fields: []jsonField{
			{name: "quantile", number: 1, is: aDouble},
			{name: "value", number: 2, is: aDouble},
		}},
		{name: "attributes", number: 7, list: true, fields: jsonAttribute},
		{name: "flags", number: 8, is: aUnsigned},
	}
)
