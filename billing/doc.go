// Package billing turns call records into what leaves the house: the export of calls as CSV and JSON.
//
// It only reads records; what a call costs was decided once, when it ended, and stands in its row. The columns and their
// order are a promise: they are documented, and tested as printed.
package billing
