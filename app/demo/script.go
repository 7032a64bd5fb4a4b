package demo

import (
	"math/rand/v2"
	"slices"
	"time"

	"telefonist/call"
	"telefonist/tariff"
)

// Scenario is what becomes of a call.
type Scenario string

// The scenarios of the script.
const (
	Short     Scenario = "short"     // answered within what is included
	Over      Scenario = "over"      // over what is included, within the long limit
	Long      Scenario = "long"      // over the long limit
	Direct    Scenario = "direct"    // connected by a blind REFER, the target answers
	Announced Scenario = "announced" // connected after a consultation
	Busy      Scenario = "busy"      // connected to a busy target; the caller comes back to the receptionist
	Returned  Scenario = "returned"  // connected to a target that forwards to the service; the caller comes back
	Waiting   Scenario = "waiting"   // the caller gives up in the queue
	Ringing   Scenario = "ringing"   // the caller gives up before anything was answered: CANCEL
	Missed    Scenario = "missed"    // the first receptionist lets it ring
	Held      Scenario = "held"      // put on hold and taken back
	Unknown   Scenario = "unknown"   // a number that is nobody's
)

// Scenarios lists every scenario.
var Scenarios = []Scenario{Short, Over, Long, Direct, Announced, Busy, Returned, Waiting, Ringing, Missed, Held, Unknown}

// entrance is a common number of a sample tenant.
type entrance struct{ name, number string }

// tenant is a tenant of sample/tenants.yaml as its PBX knows it.
type tenant struct {
	id, number string
	entrances  [2]entrance
	ring       bool // the caller hears ringing first
}

var (
	acme = tenant{id: "acme", number: "+46850000001",
		entrances: [2]entrance{{"Försäljning", "+4684000001"}, {"Support", "+4684000002"}}}
	nordbygg = tenant{id: "nordbygg", number: "+46850000002",
		entrances: [2]entrance{{"Växel", "+46313000001"}, {"Jour", "+46313000002"}}}
	eken = tenant{id: "eken", number: "+46850000003", ring: true,
		entrances: [2]entrance{{"Tidsbokning", "+46403000001"}, {"Recept", "+46403000002"}}}
	sampleTenants = []tenant{acme, nordbygg, eken}
)

// nobodys is a number that no tenant has.
const nobodys = "+46850000099"

// The numbers behind the PBX that receptionists connect callers with.
const (
	extensionReached   = "201"
	extensionConsulted = "202"
	extensionForwards  = "208"
	extensionBusy      = "209"
	mobileDialled      = "0701740699" // as a receptionist dials it; reserved for fiction, as are the callers' numbers
	mobileReached      = "+46701740699"
)

// scene is one call of the script.
type scene struct {
	scenario Scenario
	tenant   tenant
	target   string // what the receptionist dials
	gap      time.Duration
}

// act is one scenario for one tenant, in the order of need: as many as are asked for are taken from the beginning.
var acts = []scene{
	{scenario: Long, tenant: acme},
	{scenario: Long, tenant: nordbygg},
	{scenario: Over, tenant: acme},
	{scenario: Over, tenant: nordbygg},
	{scenario: Waiting, tenant: acme},
	{scenario: Direct, tenant: acme, target: extensionReached},
	{scenario: Announced, tenant: nordbygg, target: extensionConsulted},
	{scenario: Ringing, tenant: eken},
	{scenario: Short, tenant: nordbygg},
	{scenario: Busy, tenant: acme, target: extensionBusy},
	{scenario: Missed, tenant: nordbygg},
	{scenario: Held, tenant: acme},
	{scenario: Unknown},
	{scenario: Returned, tenant: nordbygg, target: extensionForwards},
	{scenario: Short, tenant: acme},
	{scenario: Announced, tenant: acme, target: extensionConsulted},
	{scenario: Direct, tenant: nordbygg, target: mobileDialled},
	{scenario: Short, tenant: eken},
	{scenario: Over, tenant: eken},
	{scenario: Direct, tenant: eken, target: extensionReached},
}

// opening is how many acts begin each round in their order: four that keep every receptionist busy, and one who gives
// up meanwhile.
const opening = 5

// round returns one round of the script, at most n calls of it. After the opening the order is the seed's, and now and
// then several callers come at once.
func round(n int, unit time.Duration, rng *rand.Rand) []scene {
	scenes := slices.Clone(acts[:min(n, len(acts))])
	rest := scenes[min(opening, len(scenes)):]
	rng.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	for i := range scenes {
		switch {
		case i < opening:
			scenes[i].gap = unit/4 + rand2(rng, unit/4)
		case i%5 < 2:
			scenes[i].gap = rand2(rng, unit/2)
		default:
			scenes[i].gap = 2*unit + rand2(rng, 5*unit)
		}
	}
	return scenes
}

func rand2(rng *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(most) + 1))
}

// expected says what the record of the scene must be, before anything is played.
func (s scene) expected() Expectation {
	e := Expectation{Scenario: s.scenario, Tenant: s.tenant.id}
	class := func(day, evening tariff.Tariff) {
		e.Answered, e.Outcome = true, call.OutcomeAnswered
		switch s.tenant.id {
		case acme.id:
			e.Tariffs = []tariff.Tariff{day}
		case nordbygg.id:
			e.Tariffs = []tariff.Tariff{evening}
		default:
			e.Tariffs = []tariff.Tariff{day, evening} // whatever it is by the clock
		}
	}
	switch s.scenario {
	case Waiting, Ringing:
		e.Outcome = call.OutcomeAbandoned
	case Unknown:
		e.Refused = 404
	case Long:
		class(tariff.LongDay, tariff.LongEvening)
		e.Over, e.Long = true, true
	case Direct, Announced:
		class(tariff.MediatedDay, tariff.MediatedEvening)
		e.Outcome, e.Mediated = call.OutcomeMediated, call.ByDirect
		if s.scenario == Announced {
			e.Mediated = call.ByAnnounced
		}
	default:
		class(tariff.AnsweredDay, tariff.AnsweredEvening)
		e.Over = s.scenario == Over
		e.Recalled = s.scenario == Busy || s.scenario == Returned
		e.Missed = s.scenario == Missed
		e.Held = s.scenario == Held
	}
	return e
}
