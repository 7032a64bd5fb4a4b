// Package config is what operators write: one typed configuration file and the provisioning files that it names.
//
// It owns the names of all keys, their defaults and their meaning (Reference prints them), the rules by which a file is
// refused, and the merge of provisioning files with what they said before (Apply). Decoding is strict: every error of
// every file is reported at once, each with its file, line and column, what is wrong, and what to write instead.
//
// It promises that no secret leaves by an error, an excerpt, a log line or JSON, and that no input makes it panic. It
// opens no socket, starts nothing and keeps nothing: State is handed back to be kept by the store.
package config
