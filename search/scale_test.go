//go:build linux

package search

import (
	"testing"
)

// TestManyTenants is BenchmarkMillion at a hundredth of its scale: everybody is found in the own tenant and nobody in another, and
// the memory goal holds.
func TestManyTenants(t *testing.T) {
	src := skewed(20, 10000)
	x := newIndex(t, src, Config{})
	for tenant, n := range src.sizes {
		people := varied(uint64(n), n)
		for i := 0; i < n; i += 1 + n/10 {
			hits := search(t, x, tenant, people[i].mobile, Options{Limit: 1})
			wantIDs(t, people[i].mobile+" in "+tenant, hits, people[i].id)
		}
	}
	for tenant, n := range src.sizes {
		theirs := varied(uint64(n), n)[0].mobile
		for other, m := range src.sizes {
			if m != n && len(search(t, x, other, theirs, Options{})) > 0 {
				t.Errorf("%s of %s is found in %s", theirs, tenant, other)
			}
		}
	}
	s := x.Stats()
	if per := s.Bytes / int64(s.Documents); s.Tenants != 20 || per > 1024 {
		t.Errorf("%d tenants, %d bytes a person, want 20 and at most 1024", s.Tenants, per)
	}
}
