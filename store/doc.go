// Package store keeps what must outlive the process, in two bbolt files in one folder.
//
// calls.db holds the journal of live calls, the call records, the messages and the registrations; one goroutine writes it. directory.db
// holds what people and provisioning edit; it is a file of its own so that a large import never holds up a call.
//
// What the package promises:
//
//   - A commit whose done was called with nil is on disk (fdatasync), whole, and survives kill -9 and a power cut.
//   - Commits are written in the order given. A commit that fails has written nothing, and may be given again.
//   - A commit given twice changes nothing the second time. A call never has two records, nor a record beside a journal.
//   - Group commit: a commit starts at once while the writer is idle. Those that arrive during a transaction share the
//     next one, which waits at most Options.MaxDelay (5 ms) for as many as the last one carried.
//   - No read keeps a transaction open for longer than a page, so none holds up a commit or makes the file grow.
//   - The events of the stream are numbered without holes in the transaction that writes what they tell of, once, however often a
//     commit is given again. None is shown before it is durable, so that no number is ever given twice. Readers come to the
//     disk for them, and hold up nobody.
//   - Every value carries a checksum; damage is an error that names the file, bucket and key, never a panic.
//
// Layout of calls.db (schema 2). Every value is sealed: one version byte (1), the CRC-32C of key and payload (4 bytes, big
// endian), the payload. Times in keys are 12 bytes (seconds since 1970 with the sign bit flipped, nanoseconds), so that
// they sort as instants do.
//
//	meta             "schema"                       JSON: version of the schema
//	journal          call 0x00 0x00                 JSON: record.Head
//	                 call 0x00 0x01 sequence (4)    JSON: call.Entry
//	                 call 0x00 0x02                 JSON: call.Instant, the last sign of life
//	records          tenant 0x00 time call          JSON: record.Record
//	records_by_call  call                           key in records
//	records_by_time  time call                      tenant
//	registrations    any                            any
//	messages         id                             JSON: record.Outgoing
//	messages_pending sequence (8)                   id of one that waits to be sent; the bucket's own sequence counts
//	messages_dead, messages_by_time: time id        tenant
//	messages_by_tenant: tenant 0x00 time id         nothing
//	messages_by_call call 0x00 id                   nothing
//	messages_by_gateway: gateway 0x00 its id        id
//	events           number (8)                     JSON: record.StreamEvent; the bucket's own sequence is the last number given
//	statistics       tally                          JSON: record.Tally
//	  YYYY-MM        tenant 0x00 agent 0x00 hour    JSON: record.Counts
//
// directory.db (schema 2) has meta, and
//
//	provision        any                            JSON: Provisioned
//	tokens           id                             JSON: account.Token
//	lives            number 0x00 time               JSON: directory.Life
//	tenants          tenant                         a bucket, and nothing of a tenant is elsewhere:
//	  state                                         JSON: tenantState
//	  items          kind 0x00 id                   JSON: storedItem
//	  log            number (8)                     JSON: directory.Change
//	  log_by_item    kind 0x00 id 0x00 number (8)   empty
//	  generations    generation (8)                 a bucket: people (id, JSON of storedItem), index (key 0x00 id)
//	  imports        number (8)                     a bucket: id, JSON of directory.Change
//	  choices        '*' or 'c' caller (16), id     JSON: directory.Choice
//
// An import writes the people that there will be under a new generation, in chunks, and switches to it in one small
// transaction. Writers of directory.db are served in the order in which they come, so that an edit waits for one chunk at
// most. Door codes are sealed with AES-256-GCM; the keys are in a file outside the store's folder.
//
// Erase takes a person out of both files, masks them in call records and messages, and overwrites the pages that held them: when it
// has returned, no byte is left. "scrub" in the meta of directory.db says that this is still to be done.
//
// The package never decides anything about calls or messages, never rates them, never deletes a record, never changes one but to
// mask whom the law says to erase, and never looks into a registration.
package store
