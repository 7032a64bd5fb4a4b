package web

import (
	"cmp"
	"encoding/base64"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// Page asks for a page of a list.
type Page struct {
	Limit  int    `query:"limit" minimum:"0" maximum:"1000" default:"100"`
	Cursor string `query:"cursor" maxLength:"600" doc:"next of the page before"`
}

// after is the id behind which the page begins.
func (p Page) after() (string, error) {
	id, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil {
		return "", huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: "query.cursor", Message: "write next as it was read", Value: p.Cursor})
	}
	return string(id), nil
}

func (p Page) size() int {
	if p.Limit == 0 {
		return 100
	}
	return p.Limit
}

// pagedTenant asks for a page of what a tenant has, pagedItem for one of what an item has.
type (
	pagedTenant struct {
		Tenanted
		Page
	}
	pagedItem struct {
		ItemPath
		Page
	}
)

// cursorAt is the cursor of the page behind an id.
func cursorAt(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

// PageOf is a page of a list.
type PageOf[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"cursor of the next page; missing: this is the last one"`
}

type pageOutput[T any] struct{ Body PageOf[T] }

// pageOf takes a page out of a whole list, ordered by a key that no two have.
func pageOf[T any](all []T, p Page, key func(T) string) (page []T, next string, err error) {
	after, err := p.after()
	if err != nil {
		return nil, "", err
	}
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	from := slices.IndexFunc(all, func(one T) bool { return key(one) > after })
	if from < 0 {
		return []T{}, "", nil
	}
	page = all[from:]
	if n := p.size(); len(page) > n {
		page, next = page[:n], cursorAt(key(page[n-1]))
	}
	return page, next, nil
}

// paged answers with a page of a whole list.
func paged[T any](all []T, p Page, key func(T) string) (*pageOutput[T], error) {
	items, next, err := pageOf(all, p, key)
	return &pageOutput[T]{PageOf[T]{items, next}}, err
}
