// Package registrar knows which agents may use the server and where their phones
// are.
//
// It owns digest authentication (RFC 3261 22, RFC 7616, RFC 8760) and the
// bindings of agents to contacts (RFC 3261 10.3). Deciding is a function of
// state, request and instant: every method takes the time. HandleRegister and Run
// are the only ones that look at a clock.
//
// It promises:
//
//   - No request is accepted on a nonce that is not ours, has expired, was given
//     to another IP address, or was used with the same count before.
//   - Nobody can tell from an answer whether a user exists, and nobody can try
//     passwords faster than the limits by user and by address allow; a phone
//     that has registered from its address is not locked out by others' tries.
//   - A phone is always reached at the address its registration came from, never
//     at a host that it named.
//   - A REGISTER is applied whole or not at all.
//
// It stores nothing for a challenge, and its tables are bounded. It never checks
// passwords by itself beyond the digest, and never challenges a request inside a
// dialog: whether to authenticate is its caller's decision.
package registrar
