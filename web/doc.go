// Package web is what the service shows over HTTP: health, readiness, metrics and the API of the directory (/api/v1) on the
// public listener, and the local administration over a unix socket in the store's folder.
//
// A request under /api/v1 proves itself with a token, which belongs to one tenant: what is another's is answered as if it did
// not exist. Every change names the version that it changes, and is kept with who made it.
//
// Routes are declared with huma, so that what they take and return is one typed description. The package holds no
// policy: it asks the switchboard and the store through small interfaces and prints what they say.
package web
