package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"telefonist/call"
	"telefonist/record"
	"telefonist/store"
	"telefonist/web"
)

// SocketPath is where the server whose store is in dir can be administered.
func SocketPath(dir string) string { return filepath.Join(dir, "admin.sock") }

// Reader reads call records, wherever they can be read from.
type Reader interface {
	web.Calls
	Close()
}

// OpenReader reads the calls of the store in dir: through the running server where one runs, in its files where not.
func OpenReader(dir string) (Reader, error) {
	client, err := web.Dial(SocketPath(dir))
	if err == nil {
		return client, nil
	}
	s, fileErr := store.OpenReadOnly(dir, store.Options{})
	if errors.Is(fileErr, store.ErrLocked) {
		return nil, fmt.Errorf("a server uses the store in %s but cannot be asked: %w", dir, err)
	}
	if fileErr != nil {
		return nil, fmt.Errorf("open the store in %s: %w", dir, fileErr)
	}
	return &files{stored{s}, s}, nil
}

type files struct {
	stored
	s *store.Store
}

func (f *files) Close() { _ = f.s.Close() }

// stored lets web read the store.
type stored struct{ s *store.Store }

func (r stored) Call(id call.ID) (record.Record, error) {
	rec, err := r.s.Call(id)
	if errors.Is(err, store.ErrNotFound) {
		err = web.ErrNotFound
	}
	return rec, err
}

func (r stored) Calls(ctx context.Context, q web.Query, fn func(record.Record) error) error {
	return r.s.Calls(ctx, store.Filter{Tenant: q.Tenant, From: q.From, To: q.To, Limit: q.Limit}, fn)
}
