//go:build tools

// Package tools names the program that ../build compiles from this module, so
// that `go mod tidy` keeps what it needs in go.mod and go.sum.
package tools

import _ "sigs.k8s.io/kwok/cmd/kwok"
