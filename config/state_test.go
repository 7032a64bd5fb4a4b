package config

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/directory"
)

const mainText = `trunks: [{name: pbx, allow: [192.0.2.7], target: "sip:192.0.2.7"}]
queue: {max_wait: 1m, ring_timeout: 10s}
plans: [{id: gold, included: 90s, long_after: 3m}]
`

const bothTenants = `tenants:
  - {id: acme, name: Acme AB, number: "+46850000001", trunk: pbx, max_wait: 2m, prefixes: ["+46"], voicemail: ["299"]}
  - {id: beta, number: "+46850000002", trunk: pbx, plan: gold}
agents:
  - {id: anna, name: Anna Ek, extension: 101, password: correct horse}
  - {id: cia, extension: 102, kind: tenant, tenant: acme, wrap_up: 0s, password: someone's password}
`

// apply merges a provisioning text with what was before, and sends the state through JSON as a store would.
func apply(t *testing.T, prev State, text string) (State, *directory.Directory) {
	t.Helper()
	c, err := LoadBytes("x.yaml", []byte(mainText), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	before, err := json.Marshal(prev)
	if err != nil {
		t.Fatal(err)
	}
	state, d, err := c.Apply(prev)
	if err != nil {
		t.Fatal(err)
	}
	if after, _ := json.Marshal(prev); string(after) != string(before) {
		t.Error("the state before was changed")
	}
	encoded, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	var kept State
	if err := json.Unmarshal(encoded, &kept); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(kept); string(again) != string(encoded) {
		t.Errorf("the state is not kept by JSON:\n%s\n%s", encoded, again)
	}
	return kept, d
}

func TestProvisionedTenantsHaveTheirRules(t *testing.T) {
	_, d := apply(t, State{}, bothTenants)
	acme, _ := d.Tenant("acme")
	want := call.Rules{
		Tenant: "acme", TenantName: "Acme AB", Number: "+46850000001", Trunk: "pbx",
		RingFirstFor: 30 * time.Second, MaxWait: 2 * time.Minute, Overflow: call.OverflowPrompt,
		RingTimeout: 10 * time.Second, RecallAfter: 20 * time.Second,
		Warn: 35 * time.Second, Included: 45 * time.Second, Long: 2 * time.Minute,
		Voicemail: []string{"299"}, Music: "music",
		Language: "sv", AnnounceAfter: 10 * time.Second, AnnouncePosition: time.Minute, AnnounceWait: time.Minute,
		KeepPlace: 3 * time.Minute, ParkRecall: 3 * time.Minute, AtLimit: call.LimitRecord, LimitPrompt: "goodbye", HardCap: 30 * time.Minute,
	}
	if !reflect.DeepEqual(acme.Rules, want) {
		t.Errorf("rules are\n%+v, want\n%+v", acme.Rules, want)
	}
	beta, _ := d.Tenant("beta")
	if r := beta.Rules; beta.Plan.ID != "gold" || beta.Name != "beta" || r.MaxWait != time.Minute || r.Included != 90*time.Second ||
		r.Warn != 70*time.Second || r.Long != 3*time.Minute {
		t.Errorf("beta is %+v", beta)
	}
	anna, _ := d.Agent("anna")
	cia, _ := d.Agent("cia")
	if anna.Wrap != 5*time.Second || anna.Kind != call.Service || cia.Wrap != 0 || cia.Kind != call.Own || !cia.Serves("acme") || cia.Serves("beta") {
		t.Errorf("agents are %+v, %+v", anna, cia)
	}
}

func TestAnEntryTakenOutIsDisabledAndComesBack(t *testing.T) {
	state, _ := apply(t, State{}, bothTenants)
	state, d := apply(t, state, `tenants: [{id: beta, number: "+46850000002", trunk: pbx}]`)
	acme, known := d.Tenant("acme")
	if _, found := d.TenantByNumber("+46850000001"); !known || !acme.Disabled || acme.Name != "Acme AB" || found {
		t.Errorf("acme is %+v", acme)
	}
	if anna, known := d.Agent("anna"); !known || !anna.Disabled || anna.Password != "" {
		t.Errorf("anna is %+v", anna)
	}
	state, d = apply(t, state, "")
	if beta, known := d.Tenant("beta"); !known || !beta.Disabled || len(state.Tenants) != 2 || len(state.Agents) != 2 {
		t.Errorf("beta is %+v", beta)
	}
	_, d = apply(t, state, bothTenants)
	if acme, _ := d.TenantByNumber("+46850000001"); acme.ID != "acme" || acme.Disabled {
		t.Errorf("acme is %+v", acme)
	}
}

func TestNumberAndExtensionOfSomeoneTakenOutAreFree(t *testing.T) {
	state, _ := apply(t, State{}, bothTenants)
	_, d := apply(t, state, `tenants: [{id: new, number: "+46850000001", trunk: pbx}]
agents: [{id: dan, extension: 101, password: dans own password}]`)
	if tenant, _ := d.TenantByNumber("+46850000001"); tenant.ID != "new" {
		t.Errorf("the number leads to %q", tenant.ID)
	}
	if agent, _ := d.AgentByPhone("101"); agent.ID != "dan" {
		t.Errorf("the extension is that of %q", agent.ID)
	}
}

func TestAFileOwnsOnlyTheFieldsThatItNames(t *testing.T) {
	state, _ := apply(t, State{}, bothTenants)
	edited, name, priority := state.Tenants["beta"], "Beta HB", 7
	edited.Edited.Name, edited.Edited.Priority = &name, &priority
	state.Tenants["beta"] = edited

	state, d := apply(t, state, bothTenants)
	if beta, _ := d.Tenant("beta"); beta.Name != "Beta HB" || beta.Rules.Priority != 7 {
		t.Errorf("what was edited elsewhere is lost: %+v", beta)
	}
	if got := state.Tenants["beta"].Named.Named(); !slices.Equal(got, []string{"number", "trunk", "plan"}) {
		t.Errorf("the file names %q", got)
	}
	state, d = apply(t, state, `tenants: [{id: beta, number: "+46850000002", trunk: pbx, priority: 0}]`)
	if beta, _ := d.Tenant("beta"); beta.Name != "Beta HB" || beta.Rules.Priority != 0 || beta.Plan.ID != "default" {
		t.Errorf("what the file names does not stand, or what it named stays: %+v", beta)
	}
	_, d = apply(t, state, `tenants: [{id: beta, number: "+46850000002", trunk: pbx}]`)
	if beta, _ := d.Tenant("beta"); beta.Rules.Priority != 7 {
		t.Errorf("a field that is no longer named has lost its edit: %+v", beta)
	}
}

// roundTrip sends a state through JSON, as a store does.
func roundTrip(t *testing.T, s State) (kept State) {
	t.Helper()
	encoded, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(encoded, &kept)
	}
	if err != nil {
		t.Fatal(err)
	}
	return kept
}
