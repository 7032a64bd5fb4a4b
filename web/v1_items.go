package web

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/account"
	"telefonist/calendar"
	"telefonist/directory"
)

// Tenanted is a path below a tenant.
type Tenanted struct {
	Tenant string `path:"tenant" maxLength:"256"`
}

// AtInstant asks for another instant than now.
type AtInstant struct {
	At time.Time `query:"at" doc:"Instant; now where missing"`
}

// Resolve refuses what calendars are not reckoned for, and what could not be answered in JSON (RFC 3339: years to 9999).
func (in *AtInstant) Resolve(huma.Context) []error {
	if y := in.At.Year(); in.At.IsZero() || 1900 <= y && y < 2200 {
		return nil
	}
	return []error{&huma.ErrorDetail{Location: "query.at", Message: "is out of all calendars: write an instant of the years 1900 to 2199", Value: in.At.String()}}
}

// ItemPath is the path of one item.
type ItemPath struct {
	Tenanted
	ID string `path:"id" maxLength:"100"`
}

// ItemOf is an item with its document.
type ItemOf[T any] struct {
	ID        string    `json:"id"`
	Version   uint64    `json:"version"`
	ChangedAt time.Time `json:"changed_at,omitzero"`
	ChangedBy string    `json:"changed_by,omitempty"`
	Doc       T         `json:"doc"`
	// What follows holds at the moment of the answer and is not kept.
	Flags   []directory.StaleFlag `json:"flags,omitempty" enum:"unconfirmed,expired" doc:"What makes it doubtful: nobody has confirmed it for long, or its validity has ended"`
	Opening *directory.Opening    `json:"opening,omitempty" doc:"Of an office: whether it is open now, and until or from when"`
}

// ListOf is a page of items.
type ListOf[T any] struct {
	Items []ItemOf[T] `json:"items"`
	Next  string      `json:"next,omitempty" doc:"cursor of the next page; missing: this is the last one"`
}

type itemOutput[T any] struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     *ItemOf[T]
}

type listOutput[T any] struct{ Body ListOf[T] }

type historyOutput struct {
	Body struct {
		Changes []directory.Change `json:"changes"`
		Next    string             `json:"next,omitempty" doc:"cursor of the next page; missing: this is the last one"`
	}
}

func itemOf[T any](it directory.Item) (ItemOf[T], error) {
	out := ItemOf[T]{ID: it.ID, Version: it.Version, ChangedAt: it.At, ChangedBy: it.By.Name}
	return out, json.Unmarshal(it.Doc, &out.Doc)
}

// describe adds what holds now.
func (i *ItemOf[T]) describe(now time.Time, settings directory.Settings, cal calendar.Calendar) {
	switch doc := any(i.Doc).(type) {
	case interface {
		Stale(time.Time, directory.Settings) []directory.StaleFlag
	}:
		i.Flags = doc.Stale(now, settings)
	case directory.Office:
		opening := doc.OpeningAt(now, cal)
		i.Opening = &opening
	}
}

func output[T any](s *v1, tenant string, it directory.Item) (*itemOutput[T], error) {
	body, err := itemOf[T](it)
	if err != nil {
		return nil, err
	}
	settings, err := s.settings(tenant)
	body.describe(s.Now(), settings, s.Calendar)
	return &itemOutput[T]{ETag: etag(it.Version), Body: &body}, err
}

func listOf[T any](s *v1, tenant string, items []directory.Item, limit int) (*listOutput[T], error) {
	settings, err := s.settings(tenant)
	if err != nil {
		return nil, err
	}
	out := &listOutput[T]{ListOf[T]{Items: []ItemOf[T]{}}}
	for _, it := range items {
		one, err := itemOf[T](it)
		if err != nil {
			return nil, err
		}
		one.describe(s.Now(), settings, s.Calendar)
		out.Body.Items = append(out.Body.Items, one)
	}
	if len(items) == limit && limit > 0 {
		out.Body.Next = cursorAt(items[limit-1].ID)
	}
	return out, nil
}

// document is what an item holds.
type document[T any] interface {
	*T
	Normalize(region string) directory.Problems
}

// check completes a document that is to be written, and tells what is wrong with it beyond its form.
type check[P any] func(ctx context.Context, tenant, id string, doc P) (directory.Problems, error)

func newID() string { return strings.ToLower(rand.Text()) }

// prepare brings a document into its form.
func prepare[T any, P document[T]](ctx context.Context, s *v1, tenant, id string, doc P, more check[P]) (json.RawMessage, error) {
	wrong := doc.Normalize(s.region(tenant))
	if more != nil {
		also, err := more(ctx, tenant, id, doc)
		if err != nil {
			return nil, err
		}
		wrong = append(wrong, also...)
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	return json.Marshal(doc)
}

func (s *v1) edit(ctx context.Context, tenant string, edits ...directory.Edit) ([]directory.Item, error) {
	for _, e := range edits {
		if strings.ContainsRune(e.ID, 0) { // nothing has such an id
			return nil, directory.ErrNotFound
		}
	}
	return s.Store.Edit(tenant, actor(ctx, "api"), s.Now(), edits...)
}

// collection declares the routes of a kind of which a tenant has many.
func collection[T any, P document[T]](s *v1, name string, kind directory.Kind, more check[P]) {
	base := "/tenants/{tenant}/" + name
	register(s, http.MethodGet, base, "list-"+name, "List "+name, reading,
		func(ctx context.Context, in *struct {
			Tenanted
			Page
		}) (*listOutput[T], error) {
			after, err := in.after()
			if err != nil {
				return nil, err
			}
			items, err := s.Store.Items(in.Tenant, kind, "", after, in.size())
			if err != nil {
				return nil, err
			}
			return listOf[T](s, in.Tenant, items, in.size())
		})
	register(s, http.MethodPost, base, "create-"+name, "Create one of "+name, writing,
		func(ctx context.Context, in *struct {
			Tenanted
			Body T
		}) (*itemOutput[T], error) {
			id := newID()
			out, err := write[T, P](ctx, s, kind, in.Tenant, id, &in.Body, directory.NoVersion, more)
			if err == nil {
				out.Location = "/api/v1/tenants/" + in.Tenant + "/" + name + "/" + id
			}
			return out, err
		}, status(http.StatusCreated), failing(http.StatusConflict))
	itemRoutes[T, P](s, base+"/{id}", name, kind, func(in ItemPath) (string, error) { return in.ID, nil }, more)
}

// itemRoutes declares the routes of one item.
func itemRoutes[T any, P document[T]](s *v1, path, name string, kind directory.Kind, idOf func(ItemPath) (string, error), more check[P]) {
	register(s, http.MethodGet, path, "get-"+name, "Read one of "+name, reading,
		func(ctx context.Context, in *struct {
			ItemPath
			IfNoneMatch string `header:"If-None-Match"`
		}) (*itemOutput[T], error) {
			id, err := idOf(in.ItemPath)
			if err != nil {
				return nil, err
			}
			it, err := s.Store.Item(in.Tenant, kind, id)
			if err != nil {
				return nil, err
			}
			if in.IfNoneMatch == etag(it.Version) {
				return nil, huma.Status304NotModified()
			}
			return output[T](s, in.Tenant, it)
		})
	register(s, http.MethodPut, path, "put-"+name, "Write one of "+name, writing,
		func(ctx context.Context, in *struct {
			ItemPath
			Precondition
			Body T
		}) (*itemOutput[T], error) {
			id, err := idOf(in.ItemPath)
			if err != nil {
				return nil, err
			}
			match, err := in.match()
			if err != nil {
				return nil, err
			}
			return write[T, P](ctx, s, kind, in.Tenant, id, &in.Body, match, more)
		}, changing)
	register(s, http.MethodDelete, path, "delete-"+name, "Delete one of "+name, writing,
		func(ctx context.Context, in *struct {
			ItemPath
			Precondition
		}) (*struct{}, error) {
			id, err := idOf(in.ItemPath)
			if err != nil {
				return nil, err
			}
			match, err := in.match()
			if err != nil {
				return nil, err
			}
			_, err = s.edit(ctx, in.Tenant, directory.Edit{Kind: kind, ID: id, Match: match})
			return nil, err
		}, status(http.StatusNoContent), changing)
	historyRoutes[T, P](s, path, name, kind, idOf, more)
}

// VersionBody names an earlier version.
type VersionBody struct {
	Version uint64 `json:"version" doc:"seq of the change, from the history, whose new text is to hold again"`
}

// historyOf gives a page of an item's changes, the oldest first.
func (s *v1) historyOf(tenant string, kind directory.Kind, id string, p Page) (*historyOutput, error) {
	changes, err := s.Store.History(tenant, kind, id)
	if err == nil && len(changes) == 0 {
		err = directory.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	out := &historyOutput{}
	out.Body.Changes, out.Body.Next, err = pageOf(changes, p, func(c directory.Change) string { return fmt.Sprintf("%020d", c.Seq) })
	return out, err
}

// historyRoutes declares who changed an item, and how an earlier version is restored.
func historyRoutes[T any, P document[T]](s *v1, path, name string, kind directory.Kind, idOf func(ItemPath) (string, error), more check[P]) {
	register(s, http.MethodGet, path+"/history", "history-"+name, "Who changed one of "+name+": when, the old and the new text", history,
		func(ctx context.Context, in *struct {
			ItemPath
			Page
		}) (*historyOutput, error) {
			id, err := idOf(in.ItemPath)
			if err != nil {
				return nil, err
			}
			return s.historyOf(in.Tenant, kind, id, in.Page)
		})
	register(s, http.MethodPost, path+"/restore", "restore-"+name, "Write an earlier version of one of "+name+" again", writing,
		func(ctx context.Context, in *struct {
			ItemPath
			Precondition
			Body VersionBody
		}) (*itemOutput[T], error) {
			id, err := idOf(in.ItemPath)
			if err != nil {
				return nil, err
			}
			match, err := in.match()
			if err != nil {
				return nil, err
			}
			return restore[T, P](ctx, s, kind, in.Tenant, id, in.Body.Version, match, more)
		}, changing, showing(account.ReadDirectory))
}

// write brings a document into its form and keeps it.
func write[T any, P document[T]](ctx context.Context, s *v1, kind directory.Kind, tenant, id string, doc P, match uint64, more check[P]) (*itemOutput[T], error) {
	if kind != directory.KindInstructions && kind != directory.KindMessages && !directory.ValidID(id) {
		return nil, unprocessable("path", directory.Problems{{Field: "id", Wrong: "is no id", Write: "write letters, digits, dots, hyphens and underscores"}})
	}
	text, err := prepare[T, P](ctx, s, tenant, id, doc, more)
	if err != nil {
		return nil, err
	}
	items, err := s.edit(ctx, tenant, directory.Edit{Kind: kind, ID: id, Doc: text, Match: match})
	if err != nil {
		return nil, err
	}
	return output[T](s, tenant, items[0])
}

func restore[T any, P document[T]](ctx context.Context, s *v1, kind directory.Kind, tenant, id string, version, match uint64, more check[P]) (*itemOutput[T], error) {
	var doc T
	if err := s.version(tenant, kind, id, version, &doc); err != nil {
		return nil, err
	}
	text, err := prepare[T, P](ctx, s, tenant, id, &doc, more)
	if err != nil {
		return nil, err
	}
	items, err := s.edit(ctx, tenant, directory.Edit{Kind: kind, ID: id, Doc: text, Match: match, Action: directory.ActionRestore})
	if err != nil {
		return nil, err
	}
	return output[T](s, tenant, items[0])
}

// version reads what an item was after a change.
func (s *v1) version(tenant string, kind directory.Kind, id string, version uint64, into any) error {
	changes, err := s.Store.History(tenant, kind, id)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if c.Seq == version && c.New != nil {
			return json.Unmarshal(c.New, into)
		}
	}
	return directory.Problems{{Field: "version", Wrong: "is no version of it that can be restored", Write: "write the seq of a change that has a new text"}}
}
