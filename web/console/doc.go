// Package console is the receptionist's desk in the browser: plain modules, styles and one page, embedded as they are, without a build step.
//
// The page does nothing that a program could not do by the API: it shows what GET /api/v1/live/stream tells and asks for actions
// under /api/v1. It keeps no state of its own beyond what is being typed, so any number of pages of one receptionist show the same, and
// closing one changes nothing. What it shares with other pages is in package assets. The package holds no policy.
package console
