package app_test

import (
	"fmt"
	"net"
	"net/netip"
	"testing"

	"telefonist/call"
	"telefonist/config"
)

// Signalling and audio of one leg go by IPv6, those of the other by IPv4, and the caller is held and taken back.
func TestAReceptionistOnIPv6TalksToACallerOnIPv4(t *testing.T) {
	if c, err := net.ListenPacket("udp6", "[::1]:0"); err != nil {
		t.Skip("no IPv6 here")
	} else {
		c.Close()
	}
	dir := t.TempDir()
	main := fmt.Sprintf(`
sip: {listen: ["udp://127.31.0.1:0", "udp://[::1]:0"]}
media: {address: 0.0.0.0, ports: 40000-49999}
web: {listen: "127.31.0.1:0"}
store: {dir: %q}
trunks: [{name: pbx, allow: [127.31.0.2], target: "sip:127.31.0.2:5060"}]
drain_timeout: 0s
`, dir)
	cfg, err := config.LoadBytes("test.yaml", []byte(main), []byte(officeTenants))
	if err != nil {
		t.Fatal(err)
	}
	o := openOfficeWith(t, dir, cfg, netip.MustParseAddrPort("[::1]:0"))
	o.pause("bo")
	caller, anna := o.calls("anna")
	o.hears(anna, "the caller", callerTone)
	if err := anna.Hold(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.hearsNot(caller, annaTone, func() { o.quiet(caller) })
	if err := anna.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.hears(caller, "anna", annaTone)
	o.hears(anna, "the caller", callerTone)
	id := o.live().Calls[0].ID
	anna.Hangup()
	o.ends(caller, "the caller")
	o.told(id, call.KindAnswered, call.KindHeld, call.KindResumed, call.KindEnded)
}
