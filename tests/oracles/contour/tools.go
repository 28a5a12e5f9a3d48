//go:build tools

// Package tools names the program that ../fetch compiles from this module, so
// that `go mod tidy` keeps what it needs in go.mod and go.sum.
package tools

import _ "github.com/projectcontour/contour/cmd/contour"
