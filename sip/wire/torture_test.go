package wire

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// tortured says what becomes of each message of RFC 4475 on UDP: 0 is let
// through to the handler, dropped is silence, other numbers are answered. The
// score is 50 of 50 as listed; two rows are stricter than the RFC asks.
const dropped = -1

var tortured = map[string]int{
	// 3.1.1 valid
	"wsinv": 0, "esc01": 0, "escnull": 0, "esc02": 0, "lwsdisp": 0, "longreq": 0, "dblreq": 0, "semiuri": 0,
	"transports": 0, "mpart01": 0, "unreason": 0, "noreason": 0,
	"intmeth": 400, // stricter: has NUL, BEL and DEL in a display name, which we never let in
	// 3.1.2 invalid
	"badinv01": 400, "clerr": 400, "ncl": 400, "scalar02": 400, "scalarlg": dropped, "quotbal": 400, "ltgtruri": 400,
	"lwsruri": 400, "lwsstart": 400, "trws": 400, "escruri": 400, "baddate": 0, "regbadct": 400, "badaspec": 400,
	"baddn": 400, "badvers": 505, "mismatch01": 400, "mismatch02": 400, "bigcode": dropped,
	// 3.2 transaction layer
	"badbranch": 0,
	// 3.3 application layer: what is let through is the handler's to judge
	"insuf": 400, "unkscm": 416, "novelsc": 416, "unksm2": 0, "bext01": 0, "invut": 0, "regaut01": 0, "multi01": 400,
	"mcl01": 400, "bcast": 0, "zeromf": 0, "cparam01": 0, "cparam02": 0, "regescrt": 0, "sdp01": 0,
	// 3.4 backward compatibility
	"inv2543": 400, // stricter: an INVITE without Contact gives no way to end the call
	// not of the RFC
	"test": dropped,
}

func TestTortureMessagesGetWhatTheRFCAsks(t *testing.T) {
	files, err := filepath.Glob("../../testdata/sip/rfc4475/*.dat")
	if err != nil || len(files) != len(tortured) {
		t.Fatalf("%d files, %d rows, %v", len(files), len(tortured), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".dat")
		t.Run(name, func(t *testing.T) {
			want, ok := tortured[name]
			if !ok {
				t.Fatal("no row")
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := judge(t, data); got != want {
				t.Fatalf("got %d, want %d", got, want)
			}
		})
	}
}

func judge(t *testing.T, data []byte) int {
	t.Helper()
	m, ref := inspect(data, false)
	if ref != nil {
		t.Log(ref)
		if ref.code == 0 {
			return dropped
		}
		return ref.code
	}
	if _, err := sip.ParseMessage(m.bytes()); err != nil {
		t.Log(err)
		return 400
	}
	return 0
}

func TestWhiteSpaceAndCompactNamesAreNormalised(t *testing.T) {
	data, err := os.ReadFile("../../testdata/sip/rfc4475/wsinv.dat")
	if err != nil {
		t.Fatal(err)
	}
	m, ref := inspect(data, false)
	if ref != nil {
		t.Fatal(ref)
	}
	for name, want := range map[string]string{
		"To":           "sip:vivekg@chair-dnrc.example.com;tag=1918181833n",
		"From":         `"J Rosenberg \\\"" <sip:jdrosen@example.com>;tag=98asjd8`,
		"CSeq":         "0009 INVITE",
		"Contact":      `"Quoted string \"\"" <sip:jdrosen@example.com>;newparam=newvalue;secondparam;q=0.33`,
		"Max-Forwards": "0068",
	} {
		if got := m.values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	vias := strings.Join(m.values("Via"), " | ")
	if want := "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw | SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8 | " +
		"SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239"; vias != want {
		t.Errorf("Via: %s", vias)
	}
}

func TestCompactHeadersThatTheParserDoesNotKnowAreExpanded(t *testing.T) {
	m, ref := inspect([]byte(request("REFER", "r: <sip:205@pbx.example>", "k: 100rel, timer", "x: 1800;refresher=uac", "b: <sip:a@b>")), false)
	if ref != nil {
		t.Fatal(ref)
	}
	msg, err := sip.ParseMessage(m.bytes())
	if err != nil {
		t.Fatal(err)
	}
	req := msg.(*sip.Request)
	if req.ReferTo() == nil || req.ReferTo().Address.User != "205" || req.ReferredBy() == nil {
		t.Error("Refer-To or Referred-By not readable")
	}
	if h := req.GetHeader("Supported"); h == nil || h.Value() != "100rel, timer" {
		t.Error("Supported not readable")
	}
	if h := req.GetHeader("Session-Expires"); h == nil || h.Value() != "1800;refresher=uac" {
		t.Error("Session-Expires not readable")
	}
}
