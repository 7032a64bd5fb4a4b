// Package web is what the service shows over HTTP: health, readiness and metrics on the public listener, and the local
// administration over a unix socket in the store's folder.
//
// Routes are declared with huma, so that what they take and return is one typed description. The package holds no
// policy: it asks the switchboard and the store through small interfaces and prints what they say.
package web
