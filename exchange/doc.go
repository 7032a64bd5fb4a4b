// Package exchange reads and writes tables of people as files: CSV in the forms that spreadsheets write it, and XLSX.
//
// It turns bytes into rows and rows into bytes, and never decides what a row means: that is the directory's. Whatever bytes it
// is given, it returns an error or rows within its limits, and never panics. Another form of file is one more file here
// that Read knows by its first bytes.
package exchange
