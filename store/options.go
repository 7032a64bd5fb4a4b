package store

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.etcd.io/bbolt"
)

// Options of a store. The zero value is a good one.
type Options struct {
	// MaxDelay is the longest that a commit waits for others to share its transaction with, before it is begun. It waits only
	// while the writer is busy. Default 5 ms; negative: never waits.
	MaxDelay time.Duration
	// MaxPending bounds the commits that were given and not yet called back. A commit with a Head, which would begin a
	// call, is refused with ErrBusy from there on; all others, which let calls end, from twice as many. Default 4096.
	MaxPending int
	// SlowCommit is from when on a commit counts as slow and is logged, measured from Commit until it is durable.
	// Default 500 ms.
	SlowCommit time.Duration
	// MmapSize is how much address space calls.db is mapped into at first, in bytes. It costs no memory and no disk. While
	// the file is smaller bbolt never maps it anew, which would have to wait for every open read transaction. Default 1 GiB
	// (256 MiB where addresses have 32 bits), and never less than twice the file.
	MmapSize int
	// LockTimeout is how long opening waits for another process to give the files up. Default 1 s.
	LockTimeout time.Duration
	// KeyFile holds the keys that seal door codes. It must not lie in the store's folder. Empty: none can be kept.
	KeyFile string
	// KeepEvents is for how long events of the stream, and the statistics of them, are kept where Tend runs. Default 400 days,
	// a year and what it takes to look at it; negative: for ever.
	KeepEvents time.Duration
	// Logger gets alarms and migrations. Default slog.Default().
	Logger *slog.Logger
	// Registerer gets the metrics; nil registers none.
	Registerer prometheus.Registerer

	// Seams of the package's own tests.
	maxSize     int                           // of calls.db in bytes, zero: no limit
	importChunk int                           // people per transaction of an import
	pageBatch   int                           // records per read transaction
	commitTx    func(tx *bbolt.Tx) error      // in place of tx.Commit
	callsList   []migration                   // in place of callsSchema
	openedTx    func(db *bbolt.DB, op string) // hears of every read transaction while it is open
}

// Defaults of Options.
const (
	defaultMaxDelay    = 5 * time.Millisecond
	defaultMaxPending  = 4096
	defaultSlowCommit  = 500 * time.Millisecond
	defaultLockTimeout = time.Second
	defaultPageBatch   = 500
	directoryMmapSize  = 64 << 20
	defaultKeepEvents  = 400 * 24 * time.Hour
)

func (o Options) withDefaults() Options {
	if o.MaxDelay == 0 {
		o.MaxDelay = defaultMaxDelay
	}
	if o.MaxPending <= 0 {
		o.MaxPending = defaultMaxPending
	}
	if o.SlowCommit <= 0 {
		o.SlowCommit = defaultSlowCommit
	}
	if o.MmapSize <= 0 {
		o.MmapSize = 256 << 20
		if ^uint(0)>>32 != 0 {
			o.MmapSize = 1 << 30
		}
	}
	if o.KeepEvents == 0 {
		o.KeepEvents = defaultKeepEvents
	}
	if o.LockTimeout <= 0 {
		o.LockTimeout = defaultLockTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.pageBatch <= 0 {
		o.pageBatch = defaultPageBatch
	}
	if o.importChunk <= 0 {
		o.importChunk = defaultImportChunk
	}
	if o.commitTx == nil {
		o.commitTx = (*bbolt.Tx).Commit
	}
	if o.callsList == nil {
		o.callsList = callsSchema
	}
	return o
}
