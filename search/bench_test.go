//go:build linux

package search

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// varied generates people of whom a large part has a rare name, and many a keyword of their own (a customer, a project),
// as in real directories: the number of different words is what a search costs.
func varied(seed uint64, n int) []swede {
	r := rand.New(rand.NewPCG(seed, 2))
	all := swedes(seed, n)
	for i := range all {
		p := &all[i]
		first, _, _ := strings.Cut(p.name, " ")
		switch r.IntN(5) {
		case 0, 1:
			p.name = first + " " + rareHeads[r.IntN(len(rareHeads))] + rareTails[r.IntN(len(rareTails))]
		case 2:
			p.name = invented(r) + " " + invented(r)
		}
		p.email = strings.ToLower(fold(strings.ReplaceAll(p.name, " ", "."))) + "@nordverken.example"
		if r.IntN(3) == 0 {
			p.keywords += ", " + strings.ToLower(invented(r))
		}
	}
	return all
}

var (
	rareHeads = strings.Fields(`Alm Asp Berg Björk Blom Bränn Dal Ede Ek En Fager Fjell Fors Frid Glad Gran Gul Grön Hag Hall Hed Holm Hult Hög
		Jern Jung Kall Kron Käll Lager Lilje Lind Ljung Lund Löv Malm Mo Mår Natt Nor Ny Ny Ros Ryd Rönn Sand Sjö Skog Små Sten Stor Ström
		Sund Svan Svärd Söder Tall Torn Ture Vall Vest Vik Väst Wall Wester Wide Åker Åkes Ång Äng Öd Öster`)
	rareTails = strings.Fields(`berg blad bom brink bro bäck dahl ell en fors gren gård hag hagen hammar hed hjelm holm hult kvist land lund lind ling
		löf man mark mo qvist rot ros sjö skog sson stam sten stig strand ström stål säter vall vik wall`)
	syllables = strings.Fields(`al an ar ba be bo da de el en er fa go ha i ja ka ki la le lo ma mi mo na ne ni o pa ra ri ro sa se shi so ta te ti to
		va vi wa ya yu za zo`)
)

// invented is a name of three or four syllables.
func invented(r *rand.Rand) string {
	name := ""
	for range 3 + r.IntN(2) {
		name += syllables[r.IntN(len(syllables))]
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// stopwatch tells wall and processor time; the goroutine must be locked to its thread.
type stopwatch struct{ wall, cpu time.Duration }

func now() stopwatch {
	var cpu, wall unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &cpu)
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &wall)
	return stopwatch{time.Duration(wall.Nano()), time.Duration(cpu.Nano())}
}

func (s stopwatch) since(start stopwatch) stopwatch {
	return stopwatch{s.wall - start.wall, s.cpu - start.cpu}
}

// misspell changes one letter of a word: wrong, missing, added or swapped with its neighbour.
func misspell(r *rand.Rand, word string) string {
	w := []rune(word)
	switch i := r.IntN(len(w)); r.IntN(4) {
	case 0:
		w[i] = rune('a' + r.IntN(26))
	case 1:
		w = slices.Delete(w, i, i+1)
	case 2:
		w = slices.Insert(w, i, rune('a'+r.IntN(26)))
	default:
		if i > 0 {
			w[i], w[i-1] = w[i-1], w[i]
		}
	}
	return string(w)
}

// misspelt2 gives queries of a first and a last name of eight letters or more in all, with a misspelling in each.
func misspelt2(r *rand.Rand, people []swede, n int) (queries []string) {
	for len(queries) < n {
		words := strings.Fields(people[r.IntN(len(people))].name)
		first, last := words[0], words[len(words)-1]
		if len(first) >= 4 && len(last) >= 4 {
			queries = append(queries, misspell(r, first)+" "+misspell(r, last))
		}
	}
	return queries
}

// reportTimes gives the median, the 99th percentile and the longest, and the 99th of the processor's time alone, which what else
// runs on the machine does not lengthen.
func reportTimes(b *testing.B, times []stopwatch) {
	at := func(part float64, of func(stopwatch) time.Duration) float64 {
		slices.SortFunc(times, func(x, y stopwatch) int { return int(of(x) - of(y)) })
		return float64(of(times[min(int(part*float64(len(times))), len(times)-1)]).Microseconds()) / 1000
	}
	wall, cpu := func(s stopwatch) time.Duration { return s.wall }, func(s stopwatch) time.Duration { return s.cpu }
	b.ReportMetric(at(.5, wall), "p50-ms")
	b.ReportMetric(at(.99, wall), "p99-ms")
	b.ReportMetric(at(1, wall), "max-ms")
	b.ReportMetric(at(.99, cpu), "p99-cpu-ms")
}

// timed runs fn over the queries in turn.
func timed(b *testing.B, queries []string, fn func(query string)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b.ReportAllocs()
	var times []stopwatch
	for i := 0; b.Loop(); i++ {
		start := now()
		fn(queries[i%len(queries)])
		times = append(times, now().since(start))
	}
	reportTimes(b, times)
}

// BenchmarkSearch is one tenant of 10,000 people. The floors are what the same query costs where every term is measured by
// itself with a whole table, and where the terms are read and nothing is measured.
func BenchmarkSearch(b *testing.B) {
	people := varied(7, 10000)
	x := newIndex(b, fixed{"a": docsOf(people)}, Config{})
	v, err := x.open(b.Context(), "a")
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("10000 people: %d terms, %d keys, %d bytes each", v.base.terms.n, v.base.keys.n, v.bytes()/10000)
	r := rand.New(rand.NewPCG(1, 2))
	wrong := misspelt2(r, people, 2000)
	var exact, prefix, single, number []string
	for _, p := range people[:2000] {
		first, last, _ := strings.Cut(p.name, " ")
		exact, number = append(exact, p.name), append(number, p.mobile[len(p.mobile)-5:])
		prefix = append(prefix, clip(first, 2)+" "+clip(last, 3))
		single = append(single, clip(first, 1))
	}
	find := func(query string) {
		if _, err := x.Search(b.Context(), "a", query, Options{}); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []struct {
		name    string
		queries []string
	}{{"two misspelt words", wrong}, {"name", exact}, {"beginnings", prefix}, {"one letter", single}, {"last digits", number},
		{"eight long misspelt words", []string{strings.Repeat("försäkrngsrådgivere ", 8)}}} {
		b.Run(c.name, func(b *testing.B) { timed(b, c.queries, find) })
	}
	b.Run("floor, whole tables", func(b *testing.B) {
		timed(b, wrong, func(query string) {
			for _, w := range strings.Fields(query) {
				q := []rune(fold(strings.ToLower(w)))
				for c := v.base.terms.walk(); c.next(); {
					distance(q, c.word)
				}
			}
		})
	})
	b.Run("floor, terms read", func(b *testing.B) {
		timed(b, wrong, func(query string) {
			for range strings.Fields(query) {
				for c := v.base.terms.walk(); c.next(); {
				}
			}
		})
	})
}

// generated is a source that makes a tenant's people when they are read.
type generated struct{ sizes map[string]int }

func (g generated) Docs(_ context.Context, tenant string) iter.Seq2[Doc, error] {
	return func(yield func(Doc, error) bool) {
		n := g.sizes[tenant]
		for _, p := range varied(uint64(n), n) {
			if !yield(p.doc(), nil) {
				return
			}
		}
	}
}

// skewed gives the sizes of tenants: a few large ones, most small.
func skewed(tenants, people int) generated {
	g, sum := generated{sizes: map[string]int{}}, 0.0
	weight := func(i int) float64 { return math.Pow(float64(i+20), -.9) }
	for i := range tenants {
		sum += weight(i)
	}
	for i := range tenants {
		g.sizes[fmt.Sprint("tenant", i)] = int(math.Round(weight(i) / sum * float64(people)))
	}
	return g
}

// anonymous is the anonymous memory of the process in bytes, where /proc tells.
func anonymous() float64 {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		var kb float64
		if n, _ := fmt.Sscanf(line, "RssAnon: %f kB", &kb); n == 1 {
			return kb * 1024
		}
	}
	return math.NaN()
}

// BenchmarkMillion opens 2,000 tenants with 1,000,000 people in all, as calls would, and searches in all of them.
func BenchmarkMillion(b *testing.B) {
	const tenants, people = 2000, 1000000
	src := skewed(tenants, people)
	for b.Loop() {
		before := anonymous()
		var heap runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&heap)
		live := heap.HeapAlloc
		start := time.Now()
		x := newIndex(b, src, Config{MaxBytes: -1})
		b.ReportMetric(float64(time.Since(start).Microseconds()), "ready-µs")
		var opened time.Duration
		for i := range tenants {
			tenant := fmt.Sprint("tenant", i)
			docs := slices.Collect(func(yield func(Doc) bool) {
				for d := range src.Docs(b.Context(), tenant) {
					if !yield(d) {
						return
					}
				}
			})
			start := time.Now()
			if err := x.Build(b.Context(), tenant, fixed{tenant: docs}.Docs(b.Context(), tenant)); err != nil {
				b.Fatal(err)
			}
			opened += time.Since(start)
		}
		rss := anonymous() - before
		runtime.GC()
		runtime.ReadMemStats(&heap)
		n := float64(x.Stats().Documents)
		b.ReportMetric(opened.Seconds(), "open-all-s")
		b.ReportMetric(rss/n, "rss-B/person")
		b.ReportMetric(float64(heap.HeapAlloc-live)/n, "heap-B/person")
		b.ReportMetric(float64(x.Stats().Bytes)/n, "index-B/person")
		r := rand.New(rand.NewPCG(3, 4))
		queries := misspelt2(r, varied(7, 1000), 2000)
		var times []stopwatch
		runtime.LockOSThread()
		for i := range 2000 {
			start := now()
			if _, err := x.Search(b.Context(), fmt.Sprint("tenant", i*7%tenants), queries[i], Options{}); err != nil {
				b.Fatal(err)
			}
			times = append(times, now().since(start))
		}
		runtime.UnlockOSThread()
		reportTimes(b, times)
		runtime.KeepAlive(x)
	}
}

// BenchmarkOpen indexes a tenant from documents in memory.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{100, 500, 10000, 50000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			src := fixed{"a": docsOf(varied(7, n))}
			x := newIndex(b, src, Config{})
			b.ReportAllocs()
			for b.Loop() {
				x.Close("a")
				if err := x.Open(b.Context(), "a"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPut changes one person of 10,000; what it takes to be found is what Put takes.
func BenchmarkPut(b *testing.B) {
	docs := docsOf(varied(7, 10000))
	x := newIndex(b, fixed{"a": docs}, Config{})
	if err := x.Open(b.Context(), "a"); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var times []stopwatch
	for i := 0; b.Loop(); i++ {
		d := docs[i*37%len(docs)]
		d.Title = fmt.Sprint("ny titel ", i)
		start := now()
		x.Put("a", d)
		times = append(times, now().since(start))
	}
	reportTimes(b, times)
}
