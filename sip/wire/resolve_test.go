package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// zone is a name server of tests.
type zone struct {
	srv     map[string][]*net.SRV // by "proto name"
	addrs   map[string][]string
	queries int
	down    bool
}

func (z *zone) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	z.queries++
	if recs := z.srv[proto+" "+name]; service == "sip" && recs != nil && !z.down {
		return "", recs, nil
	}
	return "", nil, errors.New("no such host")
}

func (z *zone) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	z.queries++
	var out []netip.Addr
	for _, a := range z.addrs[host] {
		out = append(out, netip.MustParseAddr(a))
	}
	if len(out) == 0 || z.down {
		return nil, errors.New("no such host")
	}
	return out, nil
}

func newZone() *zone {
	return &zone{
		srv: map[string][]*net.SRV{
			"udp pbx.example": {{Target: "a.pbx.example.", Port: 5070}, {Target: "b.pbx.example.", Port: 5080}},
			"tcp pbx.example": {{Target: "a.pbx.example.", Port: 5071}},
		},
		addrs: map[string][]string{
			"a.pbx.example": {"2001:db8::1", "192.0.2.1"}, "b.pbx.example": {"192.0.2.2"}, "plain.example": {"192.0.2.3"},
		},
	}
}

func TestResolveFollowsRFC3263(t *testing.T) {
	for uri, want := range map[string]string{
		"sip:192.0.2.9":                        "[{udp 192.0.2.9:5060}]",
		"sip:[2001:db8::9]:5070":               "[{udp [2001:db8::9]:5070}]",
		"sip:192.0.2.9:5071;transport=tcp":     "[{tcp 192.0.2.9:5071}]",
		"sip:pbx.example":                      "[{udp 192.0.2.1:5070} {udp [2001:db8::1]:5070} {udp 192.0.2.2:5080} {tcp 192.0.2.1:5071} {tcp [2001:db8::1]:5071}]",
		"sip:pbx.example;transport=tcp":        "[{tcp 192.0.2.1:5071} {tcp [2001:db8::1]:5071}]",
		"sip:a.pbx.example:5090":               "[{udp 192.0.2.1:5090} {udp [2001:db8::1]:5090}]",
		"sip:plain.example":                    "[{udp 192.0.2.3:5060}]",
		"sip:nowhere.example":                  "error",
		"sips:pbx.example":                     "error",
		"sip:pbx.example;transport=sctp":       "error",
		"sip:plain.example:99999":              "error",
		"sip:user@PLAIN.example;transport=":    "[{udp 192.0.2.3:5060}]",
		"sip:plain.example:5060;transport=UDP": "[{udp 192.0.2.3:5060}]",
	} {
		t.Run(uri, func(t *testing.T) {
			z := newZone()
			z.addrs["PLAIN.example"] = z.addrs["plain.example"]
			s, err := New(Config{Resolver: z})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close(t.Context())
			var u sip.Uri
			if err := sip.ParseUri(uri, &u); err != nil {
				t.Fatal(err)
			}
			dests, err := s.Resolve(t.Context(), u)
			got := "error"
			if err == nil {
				got = "["
				for i, d := range dests {
					if i > 0 {
						got += " "
					}
					got += fmt.Sprintf("{%s %s}", d.Network, d.Addr)
				}
				got += "]"
			}
			if got != want {
				t.Fatalf("%s (%v), want %s", got, err, want)
			}
		})
	}
}

func TestResolvedNamesAreCachedAndOutliveTheNameServer(t *testing.T) {
	inWorld(t, Config{Resolver: newZone()}, func(w *world) {
		z := w.stack.cfg.Resolver.(*zone)
		u := sip.Uri{Scheme: "sip", Host: "pbx.example"}
		ask := func() int {
			t.Helper()
			before := z.queries
			dests, err := w.stack.Resolve(w.t.Context(), u)
			if err != nil || len(dests) != 5 {
				t.Fatal(dests, err)
			}
			return z.queries - before
		}
		if ask() == 0 || ask() != 0 {
			t.Fatal("not cached")
		}
		time.Sleep(resolveTTL - 1)
		if ask() != 0 {
			t.Fatal("cached too briefly")
		}
		time.Sleep(1)
		if ask() == 0 {
			t.Fatal("cached too long")
		}
		z.down = true
		time.Sleep(time.Hour)
		ask()
	})
}

func TestWildcardIsExpandedToConcreteAddresses(t *testing.T) {
	port := uint16(5060)
	list, err := ExpandWildcard([]Listen{
		{"udp", netip.AddrPortFrom(netip.IPv4Unspecified(), port)}, {"tcp", netip.MustParseAddrPort("127.0.0.9:1")},
	})
	if err != nil {
		t.Fatal(err)
	}
	loopback := false
	for _, l := range list[:len(list)-1] {
		if l.Addr.Addr().IsUnspecified() || !l.Addr.Addr().Is4() || l.Addr.Port() != port || l.Network != "udp" {
			t.Fatal(l)
		}
		loopback = loopback || l.Addr.Addr().IsLoopback()
	}
	if !loopback || list[len(list)-1].Addr.String() != "127.0.0.9:1" {
		t.Fatal(list)
	}
}

func TestPortIsKnownAfterBinding(t *testing.T) {
	s, err := New(Config{Listen: []Listen{{"udp", netip.MustParseAddrPort("127.0.0.1:0")}, {"tcp", netip.MustParseAddrPort("127.0.0.1:0")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	for _, l := range s.Addrs() {
		if l.Addr.Port() == 0 {
			t.Fatal(l)
		}
	}
	if _, err := New(Config{Listen: []Listen{{"sctp", netip.MustParseAddrPort("127.0.0.1:0")}}}); err == nil {
		t.Fatal("no error")
	}
}
