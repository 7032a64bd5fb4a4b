// Package account is who may do what over the HTTP interface: tokens of programs, what each may do (scopes) and for which
// tenant, and how many requests it may make.
//
// A token is shown once, when it is made. What is kept is the SHA-256 of its secret part: the secret has 256 random
// bits, so that nothing slower is needed to keep it from being guessed. The package is pure: randomness and the time are
// given to it.
package account
