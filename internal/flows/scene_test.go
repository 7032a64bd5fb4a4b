package flows

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const second = time.Second

// scene is a scenario by the name of its transcript.
type scene struct {
	name    string
	tenants string
	play    func(s *stage)
}

// silent keeps announcements of place and wait out of transcripts that are not about them.
const silent = ", announce_position: 0s, announce_wait: 0s"

// world is a provisioning file: Acme with some settings, and agents.
func world(settings string, agents ...string) string {
	if settings != "" {
		settings = ", " + settings
	}
	text := "tenants:\n - {id: acme, name: Acme AB, number: \"" + acme + "\", trunk: pbx" + silent + settings + "}\n"
	return text + "agents:\n - " + strings.Join(agents, "\n - ") + "\n"
}

// two is the same with a second tenant.
func two(settings, other string, agents ...string) string {
	text := world(settings, agents...)
	return strings.Replace(text, "agents:", " - {id: beta, name: Beta AB, number: \""+beta+"\", trunk: pbx"+silent+", "+other+"}\nagents:", 1)
}

// agent is a receptionist of the service, own one of Acme's.
func agent(id, settings string) string { return person(id, "kind: service", settings) }

func own(id, settings string) string { return person(id, "kind: tenant, tenant: acme", settings) }

func person(id, kind, settings string) string {
	if settings != "" {
		settings = ", " + settings
	}
	return fmt.Sprintf("{id: %s, extension: \"%s\", %s, password: hemligt-%s%s}", id, extensions[id], kind, id, settings)
}

var extensions = map[string]string{"anna": "101", "bo": "102", "cia": "103", "dan": "104", "eva": "105", "olle": "201"}

var (
	anna = agent("anna", "")
	bo   = agent("bo", "")
	cia  = agent("cia", "")
	dan  = agent("dan", "")
	eva  = agent("eva", "")
	olle = own("olle", "")
)

// TestTranscripts holds every scenario against its transcript.
func TestTranscripts(t *testing.T) {
	names := map[string]bool{}
	for _, group := range [][]scene{routing, lines, strategies, phone, console, colleagues, parking, limits, outgoing, supervision} {
		for _, c := range group {
			if names[c.name] {
				t.Errorf("two scenarios are called %s", c.name)
			}
			names[c.name] = true
			t.Run(c.name, func(t *testing.T) { golden(t, c.name, play(t, c.tenants, c.play)) })
		}
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".txt"); !names[name] {
			t.Errorf("%s belongs to no scenario", f)
		}
	}
}
