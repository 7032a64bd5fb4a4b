package store

import (
	"errors"
	"fmt"
)

// Errors of opening.
var (
	// ErrLocked: another process has the files open, most often the running server.
	ErrLocked = errors.New("the store is in use by another process: ask the running server, or stop it first")
	// ErrNoStore: the folder holds no store. Only OpenReadOnly returns it; Open creates one.
	ErrNoStore = errors.New("no store in this folder: check store.dir, or start the server once to create it")
	// ErrNewerSchema: the file was written by a later version.
	ErrNewerSchema = errors.New("the file was written by a later version of telefonist: run that version, or restore a backup made before the upgrade")
	// ErrOlderSchema: the file must be migrated first, which OpenReadOnly does not do.
	ErrOlderSchema = errors.New("the file was written by an earlier version of telefonist: start the server once to migrate it")
	// ErrDamaged: the file cannot be trusted. DamagedError says where.
	ErrDamaged = errors.New("damaged")
)

// Errors of commits.
var (
	// ErrBusy: more commits are waiting than Options.MaxPending allows. Nothing was written; try again later.
	ErrBusy = errors.New("store is busy: too many commits are waiting")
	// ErrInvalid: the commit can never be written as it is: no call, an identifier with a NUL, or not encodable.
	ErrInvalid = errors.New("commit is not valid")
	// ErrNoJournal: entries or a heartbeat of a call whose head was never written.
	ErrNoJournal = errors.New("call has no journal")
	// ErrClosed: the store was closed before the commit was given.
	ErrClosed = errors.New("store is closed")
	// ErrReadOnly: the store was opened by OpenReadOnly.
	ErrReadOnly = errors.New("store is open read-only")
)

// ErrNotFound: there is no record of that call. For messages it is record.ErrNoMessage.
var ErrNotFound = errors.New("no such call")

// DamagedError tells what in a store file cannot be read. It is ErrDamaged.
type DamagedError struct {
	File   string // path of the file
	Bucket string // empty where the pages of the file themselves are broken
	Key    []byte
	Reason string
	// Stack is where bbolt gave up, for the log; empty where a checksum told.
	Stack []byte
}

func (e *DamagedError) Error() string {
	const advice = "stop the server, keep a copy of the file, look at it with 'bbolt check', and restore a backup"
	if e.Bucket == "" {
		return fmt.Sprintf("%s is damaged: %s (%s)", e.File, e.Reason, advice)
	}
	return fmt.Sprintf("%s is damaged: bucket %s, key %q: %s (%s)", e.File, e.Bucket, e.Key, e.Reason, advice)
}

// Is makes errors.Is(err, ErrDamaged) hold.
func (e *DamagedError) Is(target error) bool { return target == ErrDamaged }
