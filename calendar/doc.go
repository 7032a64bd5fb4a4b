// Package calendar owns the civil calendar of the service: dates, Swedish
// public holidays, the wall clock in Europe/Stockholm and the periods of the day
// that tariffs distinguish.
//
// It promises answers that are exact to the nanosecond, that hold across changes
// to and from summer time, and that depend on nothing but the arguments: the same
// instant with the same settings is the same period for ever.
//
// It never reads the clock, never does I/O beyond loading the zone once, never
// logs, and knows nothing of calls or prices.
package calendar
