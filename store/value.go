package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"time"

	"telefonist/call"
)

// sealVersion is the first byte of every value: how the rest is to be read.
const sealVersion = 1

// sealSize is what sealing adds to a payload: the version byte and the checksum.
const sealSize = 1 + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal makes a value of a payload. The checksum covers the key too, so that a value that stands under a wrong key, as a
// stale page would have it, is found out.
func seal(key, payload []byte) []byte {
	v := make([]byte, sealSize+len(payload))
	v[0] = sealVersion
	binary.BigEndian.PutUint32(v[1:], checksum(key, payload))
	copy(v[sealSize:], payload)
	return v
}

// unseal returns the payload of a value, which it shares memory with.
func unseal(key, value []byte) ([]byte, error) {
	switch {
	case len(value) < sealSize:
		return nil, errors.New("value is too short")
	case value[0] != sealVersion:
		return nil, errors.New("value has an unknown version byte")
	case binary.BigEndian.Uint32(value[1:]) != checksum(key, value[sealSize:]):
		return nil, errors.New("checksum does not match")
	}
	return value[sealSize:], nil
}

func checksum(key, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, payload)
}

// decode unseals a value and reads its payload as JSON into v.
func decode(key, value []byte, v any) error {
	payload, err := unseal(key, value)
	if err != nil {
		return err
	}
	return json.Unmarshal(payload, v)
}

// Parts of a journal key behind the call and its NUL.
const (
	partHead byte = iota
	partEntry
	partHeartbeat
)

func journalPrefix(id call.ID) []byte { return append([]byte(id), 0) }

func headKey(id call.ID) []byte { return append(journalPrefix(id), partHead) }

func heartbeatKey(id call.ID) []byte { return append(journalPrefix(id), partHeartbeat) }

func entryKey(id call.ID, seq int) []byte {
	return binary.BigEndian.AppendUint32(append(journalPrefix(id), partEntry), uint32(seq))
}

// splitJournalKey takes a journal key apart; ok is false where it is none.
func splitJournalKey(key []byte) (id call.ID, part byte, ok bool) {
	i := bytes.IndexByte(key, 0)
	if i <= 0 || len(key) < i+2 {
		return "", 0, false
	}
	part = key[i+1]
	size := i + 2
	if part == partEntry {
		size += 4
	}
	return call.ID(key[:i]), part, part <= partHeartbeat && len(key) == size
}

// timeSize is the length of an instant in a key.
const timeSize = 8 + 4

// appendTime writes an instant so that byte order is time order, also before 1970.
func appendTime(b []byte, t time.Time) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(t.Unix())^1<<63)
	return binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
}

func timeKey(received time.Time, id call.ID) []byte {
	return append(appendTime(nil, received), id...)
}

func recordKey(tenant string, received time.Time, id call.ID) []byte {
	return append(appendTime(tenantPrefix(tenant), received), id...)
}

func tenantPrefix(tenant string) []byte { return append([]byte(tenant), 0) }

// maxID bounds identifiers, in bytes, so that keys stay far below bbolt's 32 KiB.
const maxID = 256

// validID tells whether an identifier can be part of a key.
func validID(id string) bool {
	return id != "" && len(id) <= maxID && bytes.IndexByte([]byte(id), 0) < 0
}
