// Package directory is what the service knows about the companies that it answers for: tenants and their numbers,
// agents, and the rules by which a dialled string becomes a number that may be called.
//
// Numbers are E.164 inside ("+46850000001"). An extension ("205") belongs to a tenant or to the service and is never
// taken for a number of another. The package is pure: it reads no file and opens no socket. Its one library is the
// phone-number metadata of github.com/nyaruka/phonenumbers, which does no I/O either.
package directory
