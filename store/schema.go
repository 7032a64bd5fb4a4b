package store

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"go.etcd.io/bbolt"
)

// Buckets.
var (
	bucketMeta          = []byte("meta")
	bucketJournal       = []byte("journal")
	bucketRecords       = []byte("records")
	bucketByCall        = []byte("records_by_call")
	bucketByTime        = []byte("records_by_time")
	bucketRegistrations = []byte("registrations")
	bucketProvision     = []byte("provision")

	bucketMessages          = []byte("messages")
	bucketMessagesPending   = []byte("messages_pending")
	bucketMessagesDead      = []byte("messages_dead")
	bucketMessagesByTime    = []byte("messages_by_time")
	bucketMessagesByTenant  = []byte("messages_by_tenant")
	bucketMessagesByCall    = []byte("messages_by_call")
	bucketMessagesByGateway = []byte("messages_by_gateway")
)

var keySchema = []byte("schema")

// migration takes a file from one version of its schema to the next, in one transaction.
type migration struct {
	about string
	run   func(tx *bbolt.Tx) error
}

// callsSchema and directorySchema list how each file came to be; the version of the schema is how many steps were taken. A
// step is never changed once it was released: later changes are later steps.
var (
	callsSchema = []migration{
		{"journal, records, registrations", createBuckets(bucketJournal, bucketRecords, bucketByCall, bucketByTime,
			bucketRegistrations)},
		{"messages", createBuckets(bucketMessages, bucketMessagesPending, bucketMessagesDead, bucketMessagesByTime,
			bucketMessagesByTenant, bucketMessagesByCall, bucketMessagesByGateway)},
		{"stream of events, statistics, what is kept beside calls", createBuckets(bucketEvents, bucketStatistics, bucketKept)},
	}
	directorySchema = []migration{
		{"provisioning", createBuckets(bucketProvision)},
		{"directories of tenants, tokens, lives of numbers", createBuckets(bucketTenants, bucketTokens, bucketLives)},
	}
)

func createBuckets(names ...[]byte) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		for _, name := range names {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return fmt.Errorf("create bucket %s: %w", name, err)
			}
		}
		return nil
	}
}

// schemaDoc is what meta keeps of the schema.
type schemaDoc struct {
	Version int `json:"version"`
}

// schemaVersion reads the version of a file, zero where it has none yet.
func schemaVersion(db *bbolt.DB) (version int, err error) {
	err = db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketMeta)
		if b == nil {
			return nil
		}
		v := b.Get(keySchema)
		if v == nil {
			return damaged(db, bucketMeta, keySchema, "version of the schema is missing")
		}
		var doc schemaDoc
		if err := decode(keySchema, v, &doc); err != nil {
			return damaged(db, bucketMeta, keySchema, err.Error())
		}
		version = doc.Version
		return nil
	})
	return version, err
}

func putSchemaVersion(tx *bbolt.Tx, version int) error {
	b, err := tx.CreateBucketIfNotExists(bucketMeta)
	if err != nil {
		return err
	}
	doc, err := json.Marshal(schemaDoc{version})
	if err != nil {
		return err
	}
	return b.Put(keySchema, seal(keySchema, doc))
}

// migrate brings a file to the newest version, each step in a transaction of its own, so that a step that fails leaves the
// file as the step before made it. Before an older file is touched it is copied to FILE.schemaN.backup, which the operator
// may delete once content; going back to the earlier release means putting that copy back.
func migrate(db *bbolt.DB, list []migration, log *slog.Logger) error {
	version, err := schemaVersion(db)
	if err != nil {
		return err
	}
	if version > len(list) {
		return fmt.Errorf("%s has schema %d, this version knows %d: %w", db.Path(), version, len(list), ErrNewerSchema)
	}
	isNew := version == 0
	if !isNew && version < len(list) {
		backup := fmt.Sprintf("%s.schema%d.backup", db.Path(), version)
		err := db.View(func(tx *bbolt.Tx) error { return tx.CopyFile(backup, fileMode) })
		if err != nil {
			return fmt.Errorf("back %s up before migrating it: %w", db.Path(), err)
		}
		log.Info("store: backed up before migration", "file", db.Path(), "backup", backup)
	}
	for ; version < len(list); version++ {
		m := list[version]
		err := db.Update(func(tx *bbolt.Tx) error {
			if err := m.run(tx); err != nil {
				return err
			}
			return putSchemaVersion(tx, version+1)
		})
		if err != nil {
			return fmt.Errorf("migrate %s to schema %d (%s): %w", db.Path(), version+1, m.about, err)
		}
		if !isNew {
			log.Info("store: migrated", "file", db.Path(), "schema", version+1, "about", m.about)
		}
	}
	return nil
}
