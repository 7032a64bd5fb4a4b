// Package exchange reads and writes tables of people as files (CSV in the forms that spreadsheets write it, and XLSX), and reads what
// other systems say of people (a PBX's webhook, the documents that SIP notifies).
//
// It turns bytes into rows or reports and rows into bytes, and never decides what one means: that is the directory's. Whatever bytes
// it is given, it returns an error or what was read within its limits, and never panics. Another form of file is one more file
// here that Read knows by its first bytes; another kind of system is one more Source.
package exchange
