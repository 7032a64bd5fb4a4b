// Package directory is what the service knows about the companies that it answers for: tenants and their numbers,
// agents, and the rules by which a dialled string becomes a number that may be called.
// Below a tenant are items, each with a document of its own form: instructions, notices, questions, offices, people, referrals and
// settings. Normalize brings a document into its one form and names each field that is wrong. What holds at an instant
// (instructions inherited and overridden, notices shown, who is away and what may be said of it) follows from the documents
// and the instant alone. PlanImport decides the fate of each row of a file before anything is written.
//
// Numbers are E.164 inside ("+46850000001"). An extension ("205") belongs to a tenant or to the service and is never
// taken for a number of another. The package is pure: it reads no file and opens no socket. Its one library is the
// phone-number metadata of github.com/nyaruka/phonenumbers, which does no I/O either.
package directory
