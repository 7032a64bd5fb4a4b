package app

import (
	"context"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"time"

	"telefonist/directory"
	"telefonist/record"
	"telefonist/search"
	"telefonist/web"
)

// reloaded brings common numbers that a reload changed into the index.
func (f *finder) reloaded(before, now *directory.Directory) {
	for _, t := range now.Tenants() {
		was, _ := before.Tenant(t.ID)
		for _, c := range was.Common {
			if !slices.Contains(t.Common, c) {
				f.index.Delete(t.ID, docID(kindCommon, c.Number))
			}
		}
		for _, c := range t.Common {
			if !slices.Contains(was.Common, c) {
				f.index.Put(t.ID, commonDoc(c))
			}
		}
	}
}

func commonDoc(c directory.CommonNumber) search.Doc {
	return search.Doc{ID: docID(kindCommon, c.Number), Kind: search.CommonNumber, Names: []string{c.Name}, Numbers: []string{c.Number}}
}

// docID names a document of the index.
func docID(k directory.Kind, id string) string { return string(k) + ":" + id }

// kindCommon is that of a common number's documents; the numbers are the configuration's, not items.
const kindCommon directory.Kind = "common_number"

// searched are the kinds of items that are found.
var searched = []directory.Kind{directory.KindPerson, directory.KindOffice, directory.KindQuestion, directory.KindInstructions}

// Docs implements search.Source.
func (f *finder) Docs(ctx context.Context, tenant string) iter.Seq2[search.Doc, error] {
	return func(yield func(search.Doc, error) bool) {
		t, _ := f.tenants().Tenant(tenant)
		offices := map[string]string{}
		for _, c := range t.Common {
			if !yield(commonDoc(c), nil) {
				return
			}
		}
		for _, k := range searched {
			for after, more := "", true; more; {
				items, err := f.store.Items(tenant, k, "", after, 1000)
				if err == nil {
					err = ctx.Err()
				}
				if err != nil {
					yield(search.Doc{}, err)
					return
				}
				more = len(items) == 1000
				for _, it := range items {
					after = it.ID
					if d, ok, err := f.docOf(tenant, it, offices); (ok || err != nil) && !yield(d, err) || err != nil {
						return
					}
				}
			}
		}
	}
}

// docOf gives what can be found of an item; ok is false for kinds that are not searched. Names of offices that were looked up are
// kept in offices.
func (f *finder) docOf(tenant string, it directory.Item, offices map[string]string) (d search.Doc, ok bool, err error) {
	d.ID = docID(it.Kind, it.ID)
	switch it.Kind {
	case directory.KindPerson:
		var p directory.Person
		err = json.Unmarshal(it.Doc, &p)
		d.Kind, d.Names, d.Keywords, d.Title, d.Department, d.Office, d.Languages = search.Person, []string{p.Name()}, p.Keywords, p.Title, p.Department, f.office(tenant, p.Office, offices), p.Languages
		for _, n := range p.Numbers {
			d.Numbers = append(d.Numbers, n.Number)
		}
		if p.SMS != "" && !slices.Contains(d.Numbers, p.SMS) {
			d.Numbers = append(d.Numbers, p.SMS)
		}
		text := []string{p.Email, p.Notes}
		for _, r := range p.Responsibilities {
			text = append(text, r.What)
		}
		d.Text = strings.Join(text, "\n")
	case directory.KindOffice:
		var o directory.Office
		err = json.Unmarshal(it.Doc, &o)
		d.Kind, d.Names, d.Text = search.Office, []string{o.Name}, o.Address+"\n"+o.Particulars
	case directory.KindQuestion:
		var q directory.Question
		err = json.Unmarshal(it.Doc, &q)
		d.Kind, d.Title, d.Keywords, d.Text = search.Question, q.Question, q.Keywords, q.Answer
	case directory.KindInstructions:
		var i directory.Instructions
		err = json.Unmarshal(it.Doc, &i)
		text := []string{i.Answer}
		for _, r := range i.Connect {
			text = append(text, r.Text)
		}
		if i.Message != nil {
			text = append(append(text, i.Message.Ask...), i.Message.Note)
		}
		for _, c := range i.Contacts {
			text = append(text, c.Name, c.About, c.Email)
			if c.Phone != "" {
				d.Numbers = append(d.Numbers, c.Phone)
			}
		}
		d.Kind, d.Text = search.Instruction, strings.Join(text, "\n")
	default:
		return d, false, nil
	}
	return d, true, err
}

// office gives the name of a person's office, which is written as its id or its name.
func (f *finder) office(tenant, office string, known map[string]string) string {
	if office == "" {
		return ""
	}
	name, is := known[office]
	if !is {
		name = office
		if it, err := f.store.Item(tenant, directory.KindOffice, office); err == nil {
			name = officeName(it.Doc)
		}
		known[office] = name
	}
	return name
}

// officeName is empty where there is no office.
func officeName(doc json.RawMessage) string {
	var o directory.Office
	_ = json.Unmarshal(doc, &o) // the store's documents are whole
	return o.Name
}

// Search implements web.Searcher.
func (f *finder) Search(ctx context.Context, tenant, query, caller string, limit int) ([]web.Hit, error) {
	now := time.Now()
	f.remember(tenant)
	o := search.Options{Limit: limit, Now: now}
	if caller != "" {
		own, err := f.store.Choices(tenant, caller)
		if err != nil {
			f.log.Warn("a caller's choices could not be read", "tenant", tenant, "err", err)
		}
		o.Boosts = map[string]float64{}
		for id, c := range own {
			o.Boosts[id] = callerWeight * c.AsOf(now)
		}
	}
	found, err := f.index.Search(ctx, tenant, query, o)
	if err != nil {
		return nil, err
	}
	hits := make([]web.Hit, 0, len(found))
	for _, h := range found {
		kind, id, _ := strings.Cut(h.ID, ":")
		hits = append(hits, web.Hit{Kind: kind, ID: id, Score: h.Score})
	}
	return hits, nil
}

// callerWeight is how many choices of others one of the caller's own is worth: who asked for Anna will mostly ask for her again.
const callerWeight = 10

// remember tells the index what was chosen of a tenant before the start. That it orders hits is worth no error.
func (f *finder) remember(tenant string) {
	if _, known := f.known.LoadOrStore(tenant, true); known {
		return
	}
	before, err := f.store.Choices(tenant, "")
	if err != nil {
		f.log.Warn("choices could not be read", "tenant", tenant, "err", err)
		return
	}
	f.index.Remember(tenant, before)
}

// Chosen implements web.Searcher.
func (f *finder) Chosen(tenant, kind, id, caller string, at time.Time) error {
	f.remember(tenant)
	doc := docID(directory.Kind(kind), id)
	if err := f.store.Choose(tenant, doc, caller, at); err != nil {
		return err
	}
	f.index.Boost(tenant, doc, at)
	return nil
}

// connected hears that a call ended in which a caller was connected with somebody: that is a choice too, which nobody has to tell of.
func (f *finder) connected(r record.Record) {
	target := r.Parties.Target
	if r.Mediated == "" || target == "" {
		return
	}
	ids, err := f.store.FindPeople(r.Tenant, directory.NumberKey(target))
	if err == nil && len(ids) == 1 {
		err = f.Chosen(r.Tenant, string(directory.KindPerson), ids[0], r.Parties.Caller, r.Ended)
	}
	if err != nil {
		f.log.Warn("whom a caller was connected with could not be noted", "call", r.Call, "err", err)
	}
}
