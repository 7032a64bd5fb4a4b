package config

import (
	"fmt"
	"strings"
	"testing"
)

// manyTenants is a provisioning file of n tenants and as many agents.
func manyTenants(n int) []byte {
	var b strings.Builder
	b.WriteString("tenants:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - id: tenant-%d\n    name: Tenant %d AB\n    number: \"+4685%07d\"\n    trunk: pbx\n"+
			"    common_numbers: [{name: Support, number: \"+4684%07d\"}]\n", i, i, i, i)
	}
	b.WriteString("agents:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {id: agent-%d, extension: \"%d\", password: \"a long one %d, as it should be\"}\n", i, 10000+i, i)
	}
	return []byte(b.String())
}

func BenchmarkThousandTenants(b *testing.B) {
	data := manyTenants(1000)
	b.ReportAllocs()
	for b.Loop() {
		c, err := LoadBytes("x.yaml", []byte(`trunks: [{name: pbx, allow: [192.0.2.7], target: "sip:192.0.2.7"}]`), data)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := c.Apply(State{}); err != nil {
			b.Fatal(err)
		}
	}
}
