package main

import _ "unsafe"

// The clock that Node's process.hrtime reads, too: a time.Time does not give its monotonic reading away.
//
//go:linkname nanotime runtime.nanotime
func nanotime() int64
