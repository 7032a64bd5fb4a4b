package search

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func person(id, name string) Doc { return Doc{ID: id, Names: []string{name}} }

func wantIDs(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestTenantsAreApart(t *testing.T) {
	x := newIndex(t, fixed{"a": {person("1", "Anna Berg")}, "b": {person("1", "Anna Lind"), person("2", "Hans Berg")}}, Config{})
	wantIDs(t, "a", search(t, x, "a", "anna", Options{}), "1")
	wantIDs(t, "a has no Hans", search(t, x, "a", "hans", Options{}))
	wantIDs(t, "a has no Lind", search(t, x, "a", "lind", Options{}))
	wantIDs(t, "b", search(t, x, "b", "berg", Options{}), "2")
	wantIDs(t, "nobody's", search(t, x, "c", "anna", Options{}))
	x.Put("a", person("3", "Hans Ek"))
	x.Boost("a", "2", time.Time{})
	x.Delete("a", "2")
	wantIDs(t, "b after changes of a", search(t, x, "b", "hans", Options{}), "2")
}

func TestAChangeIsFoundAtOnce(t *testing.T) {
	x := newIndex(t, fixed{"a": {person("1", "Anna Berg")}}, Config{})
	wantIDs(t, "before", search(t, x, "a", "berg", Options{}), "1")
	x.Put("a", person("1", "Anna Lind"), person("2", "Hans Berg"), person("2", "Jonas Berg"))
	wantIDs(t, "renamed", search(t, x, "a", "lind", Options{}), "1")
	wantIDs(t, "new", search(t, x, "a", "berg", Options{}), "2")
	wantIDs(t, "the last of two", search(t, x, "a", "hans", Options{}))
	x.Delete("a", "1", "9")
	wantIDs(t, "deleted", search(t, x, "a", "anna", Options{}))
	for i := range 200 { // over the delta's size
		x.Put("a", person(fmt.Sprint("n", i), fmt.Sprint("Olof Nummer", i)))
	}
	wantIDs(t, "after merging", search(t, x, "a", "olof nummer150", Options{}), "n150")
	if got := x.Stats().Documents; got != 201 {
		t.Errorf("%d documents, want 201", got)
	}
}

func TestExactRanksFirst(t *testing.T) {
	x := newIndex(t, fixed{"a": {person("1", "Ake Ek"), person("2", "Åke Ek"), person("3", "Åkerman Ek"), person("4", "Carl Ek"), person("5", "Karl Ek"),
		person("6", "Bo Lindberg"), {ID: "7", Names: []string{"Bo Ek"}, Keywords: []string{"Lindberg"}}, person("8", "Lindbergh Bo")}}, Config{})
	wantIDs(t, "ake", search(t, x, "a", "ake", Options{}), "1", "2", "3")
	wantIDs(t, "åke", search(t, x, "a", "åke", Options{}), "2", "1", "3")
	wantIDs(t, "carl", search(t, x, "a", "carl", Options{}), "4", "5")
	wantIDs(t, "karl", search(t, x, "a", "karl", Options{}), "5", "4")
	wantIDs(t, "lindberg", search(t, x, "a", "lindberg", Options{}), "6", "8", "7")
}

func TestEveryWordMustMatch(t *testing.T) {
	x := newIndex(t, fixed{"a": {{ID: "1", Names: []string{"Anna Berg"}, Department: "Ekonomi", Numbers: []string{"205"}},
		{ID: "2", Names: []string{"Anna Lind"}, Department: "Lön", Numbers: []string{"+46705551234"}},
		{ID: "3", Kind: CommonNumber, Names: []string{"Support"}, Text: "felanmälan"}}}, Config{})
	wantIDs(t, "both", search(t, x, "a", "anna eko", Options{}), "1")
	wantIDs(t, "one not", search(t, x, "a", "anna berg xyz", Options{}))
	wantIDs(t, "name and number", search(t, x, "a", "anna 1234", Options{}), "2")
	wantIDs(t, "a grouped number", search(t, x, "a", "070-555 12 34", Options{}), "2")
	wantIDs(t, "two numbers of one", search(t, x, "a", "205 205", Options{}), "1")
	wantIDs(t, "a common number", search(t, x, "a", "suport", Options{}), "3")
	wantIDs(t, "nothing asked", search(t, x, "a", " - ", Options{}))
	hits, err := x.Search(t.Context(), "a", "ANA ekonomi 205", Options{})
	if err != nil || len(hits) != 1 {
		t.Fatalf("%v %v", hits, err)
	}
	want := []Match{{"ana", InName, Sound}, {"ekonomi", InDepartment, Exact}, {"205", InNumbers, Exact}}
	if !slices.Equal(hits[0].Why, want) {
		t.Errorf("why is %v, want %v", hits[0].Why, want)
	}
	if s := fmt.Sprint(hits[0].Kind, hits[0].Why); s != "person [{ana name sound} {ekonomi department exact} {205 numbers exact}]" {
		t.Error(s)
	}
}

func TestWhatIsChosenOftenRanksFirstAndFades(t *testing.T) {
	x := newIndex(t, fixed{"a": {person("1", "Anna Berg"), person("2", "Anna Berg"), person("3", "Anna Berg"), person("4", "Hanna Berg")}}, Config{})
	day := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for range 5 {
		x.Boost("a", "2", day)
		x.Boost("a", "4", day)
	}
	wantIDs(t, "chosen", search(t, x, "a", "anna", Options{Now: day}), "2", "1", "3", "4")
	for range 3 {
		x.Boost("a", "3", day.AddDate(0, 6, 0))
	}
	wantIDs(t, "half a year on", search(t, x, "a", "anna", Options{Now: day.AddDate(0, 6, 0)}), "3", "1", "2", "4")
	wantIDs(t, "this caller's", search(t, x, "a", "anna", Options{Now: day.AddDate(0, 6, 0), Boosts: map[string]float64{"1": 50}}), "1", "3", "2", "4")
	x.Boost("a", "3", day) // late news of an old choice
	x.Delete("a", "3")
	x.Put("a", person("3", "Anna Berg"))
	wantIDs(t, "forgotten with the document", search(t, x, "a", "anna", Options{Now: day.AddDate(0, 6, 0)}), "1", "2", "3", "4")
	for i := range 2 * maxChoices {
		x.Boost("a", fmt.Sprint("x", i), day)
	}
	if n := len(x.chosen["a"]); n > maxChoices {
		t.Errorf("%d choices are remembered", n)
	}
}

// counted counts openings and can be held or made to fail.
type counted struct {
	docs  fixed
	opens atomic.Int32
	hold  chan struct{} // where not nil, documents wait for it
	begun chan string
	err   error
}

func (c *counted) Docs(ctx context.Context, tenant string) iter.Seq2[Doc, error] {
	return func(yield func(Doc, error) bool) {
		c.opens.Add(1)
		if c.begun != nil {
			c.begun <- tenant
		}
		if c.hold != nil {
			select {
			case <-c.hold:
			case <-ctx.Done():
				yield(Doc{}, ctx.Err())
				return
			}
		}
		if c.err != nil {
			yield(Doc{}, c.err)
			return
		}
		for _, d := range c.docs[tenant] {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func TestManyAskersOpenOnce(t *testing.T) {
	src := &counted{docs: fixed{"a": {person("1", "Anna Berg")}}, hold: make(chan struct{}), begun: make(chan string, 9)}
	x := newIndex(t, src, Config{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if hits, err := x.Search(t.Context(), "a", "anna", Options{}); err != nil || len(hits) != 1 {
				t.Errorf("%v %v", hits, err)
			}
		})
	}
	<-src.begun
	close(src.hold)
	wg.Wait()
	if n := src.opens.Load(); n != 1 {
		t.Errorf("opened %d times", n)
	}
}

func TestWhoHasPatienceOpensAfterOneWhoLostIt(t *testing.T) {
	src := &counted{docs: fixed{"a": {person("1", "Anna Berg")}}, hold: make(chan struct{}), begun: make(chan string, 9)}
	x := newIndex(t, src, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- x.Open(ctx, "a") }()
	<-src.begun
	go func() { second <- x.Open(t.Context(), "a") }()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the impatient got %v", err)
	}
	<-src.begun
	close(src.hold)
	if err := <-second; err != nil {
		t.Errorf("the patient got %v", err)
	}
}

func TestAFailingSourceIsAskedAgain(t *testing.T) {
	src := &counted{docs: fixed{"a": {person("1", "Anna Berg")}}, err: errors.New("disk")}
	x := newIndex(t, src, Config{})
	if _, err := x.Search(t.Context(), "a", "anna", Options{}); !errors.Is(err, src.err) {
		t.Errorf("error %v", err)
	}
	src.err = nil
	wantIDs(t, "later", search(t, x, "a", "anna", Options{}), "1")
	failed := func(yield func(Doc, error) bool) { yield(Doc{}, errors.New("half an import")) }
	if err := x.Build(t.Context(), "a", failed); err == nil {
		t.Error("a failed import was taken")
	}
	wantIDs(t, "after a failed import", search(t, x, "a", "anna", Options{}), "1")
}

func TestChangesDuringAnImportAreKept(t *testing.T) {
	x := newIndex(t, fixed{"a": {person("1", "Anna Berg"), person("2", "Bo Berg")}}, Config{})
	wantIDs(t, "before", search(t, x, "a", "berg", Options{}), "1", "2")
	err := x.Build(t.Context(), "a", func(yield func(Doc, error) bool) {
		if !yield(person("1", "Anna Berg"), nil) || !yield(person("3", "Carl Berg"), nil) || !yield(person("4", "Disa Berg"), nil) {
			return
		}
		x.Put("a", person("3", "Carl Ny"))
		x.Delete("a", "4")
		wantIDs(t, "meanwhile", search(t, x, "a", "berg", Options{}), "1", "2")
		wantIDs(t, "meanwhile", search(t, x, "a", "ny", Options{}), "3")
	})
	if err != nil {
		t.Fatal(err)
	}
	wantIDs(t, "after", search(t, x, "a", "berg", Options{}), "1")
	wantIDs(t, "after", search(t, x, "a", "ny", Options{}), "3")
}

func TestTheLeastUsedIsClosedForRoom(t *testing.T) {
	docs := fixed{}
	for i := range 10 {
		docs[fmt.Sprint("t", i)] = docsOf(swedes(uint64(i), 100))
	}
	src := &counted{docs: docs}
	x := newIndex(t, src, Config{})
	search(t, x, "t0", "anna", Options{})
	one := x.Stats().Bytes
	x = newIndex(t, src, Config{MaxBytes: 3*one + one/2})
	src.opens.Store(0)
	for i := range 10 {
		search(t, x, fmt.Sprint("t", i), "anna", Options{})
		search(t, x, "t0", "anna", Options{})
	}
	if n := src.opens.Load(); n != 10 {
		t.Errorf("%d openings, want 10: t0 is used all the time", n)
	}
	if s := x.Stats(); s.Bytes > 3*one+one/2 || s.Tenants < 2 || s.Documents != 100*s.Tenants {
		t.Errorf("%+v with room for %d bytes", s, 3*one+one/2)
	}
	search(t, x, "t1", "anna", Options{})
	x.Close("t1")
	search(t, x, "t1", "anna", Options{})
	if n := src.opens.Load(); n != 12 {
		t.Errorf("%d openings, want 12", n)
	}
	for i := range 10 {
		x.Close(fmt.Sprint("t", i))
	}
	if s := x.Stats(); s != (Stats{}) {
		t.Errorf("%+v after closing all", s)
	}
}

// TestEverythingAtOnce is for the race detector; at its end what was put last is found.
func TestEverythingAtOnce(t *testing.T) {
	docs := fixed{}
	for i := range 4 {
		docs[fmt.Sprint("t", i)] = docsOf(swedes(uint64(i), 50))
	}
	x := newIndex(t, docs, Config{MaxBytes: 20 << 10, Builders: 2})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 60 {
				tenant := fmt.Sprint("t", (i+g)%4)
				search(t, x, tenant, "ana karlson", Options{})
				x.Put(tenant, person(fmt.Sprint("new", g), fmt.Sprint("Ny Person", i)))
				x.Boost(tenant, "p00001", time.Unix(int64(i), 0))
				switch i % 20 {
				case 7:
					x.Close(tenant)
				case 13:
					if err := x.Build(t.Context(), tenant, docs.Docs(t.Context(), tenant)); err != nil {
						t.Error(err)
					}
				case 17:
					x.Delete(tenant, fmt.Sprint("new", g))
				}
				x.Stats()
			}
		})
	}
	wg.Wait()
	search(t, x, "t0", "x", Options{})
	x.Put("t0", person("last", "Sista Skriket"))
	wantIDs(t, "after all", search(t, x, "t0", "skriket", Options{}), "last")
}

func TestAnImpatientSearchStops(t *testing.T) {
	x := newIndex(t, fixed{"a": {person("1", "Anna Berg")}}, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.Search(ctx, "a", "anna", Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestMetricsAreThereFromTheStart(t *testing.T) {
	r := prometheus.NewRegistry()
	x := newIndex(t, fixed{"a": {person("1", "Anna Berg")}}, Config{Registerer: r})
	value := func(name string) float64 {
		t.Helper()
		families, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if m := f.GetMetric()[0]; f.GetName() == name {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
		t.Fatalf("no metric %s", name)
		return 0
	}
	names := []string{"telefonist_search_seconds", "telefonist_search_open_seconds", "telefonist_search_indexes", "telefonist_search_documents"}
	for _, name := range append(names, "telefonist_search_bytes", "telefonist_search_evicted_total", "telefonist_search_open_errors_total") {
		if v := value(name); v != 0 {
			t.Errorf("%s is %v at the start", name, v)
		}
	}
	search(t, x, "a", "anna", Options{})
	for _, name := range names {
		if v := value(name); v != 1 {
			t.Errorf("%s is %v after one search, want 1", name, v)
		}
	}
	if _, err := New(fixed{}, Config{Registerer: r}); err == nil {
		t.Error("metrics are registered twice")
	}
}

func TestLimits(t *testing.T) {
	x := newIndex(t, fixed{"a": docsOf(swedes(1, 1000))}, Config{})
	for limit, want := range map[int]int{0: defaultLimit, -1: defaultLimit, 7: 7, 400: 400, 100000: maxLimit} {
		if got := search(t, x, "a", "nordverken", Options{Limit: limit}); len(got) != want {
			t.Errorf("limit %d gives %d hits, want %d", limit, len(got), want)
		}
	}
	if got := search(t, x, "a", strings.Repeat("nordverken ", maxWords)+"xyzzy", Options{}); len(got) == 0 {
		t.Error("a word beyond the limit counts")
	}
}

// TestAPanickingSourceLeavesNothingHanging: the next who asks opens the tenant.
func TestAPanickingSourceLeavesNothingHanging(t *testing.T) {
	x := newIndex(t, fixed{"a": {person("1", "Anna Berg")}}, Config{})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is swallowed")
			}
		}()
		_ = x.Build(t.Context(), "a", func(func(Doc, error) bool) { panic("source") })
	}()
	wantIDs(t, "after", search(t, x, "a", "anna", Options{}), "1")
}
