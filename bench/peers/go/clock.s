// Empty: it lets the compiler accept clock.go's function without a body.
