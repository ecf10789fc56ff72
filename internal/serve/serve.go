// Package serve is the life cycle of the backend.
//
// (Contract under construction.) Start from Run.
package serve
