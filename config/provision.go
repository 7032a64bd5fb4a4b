package config

import (
	"fmt"
	"reflect"
	"slices"

	"telefonist/directory"
	"telefonist/tariff"
)

// Provision is one provisioning file: tenants and agents that the operator looks after in a file.
type Provision struct {
	Tenants []TenantSpec `yaml:"tenants"`
	Agents  []AgentSpec  `yaml:"agents"`

	src *source
}

// TenantSpec is what a file says about a tenant. A field that is nil is not named there: it keeps what was edited
// elsewhere, else its default.
type TenantSpec struct {
	ID             ID               `yaml:"id" json:"id,omitempty" required:"an id, as id: acme"`
	Name           *string          `yaml:"name" json:"name,omitempty"`
	Number         *Number          `yaml:"number" json:"number,omitempty" required:"the tenant's own number at the service, as number: \"+46850000001\""`
	Trunk          *ID              `yaml:"trunk" json:"trunk,omitempty" required:"the name of the trunk that its calls come from, as trunk: pbx"`
	CommonNumbers  *[]CommonSpec    `yaml:"common_numbers" json:"common_numbers,omitempty"`
	Prefixes       *[]Prefix        `yaml:"prefixes" json:"prefixes,omitempty"`
	Plan           *string          `yaml:"plan" json:"plan,omitempty"`
	Priority       *int             `yaml:"priority" json:"priority,omitempty" min:"-100" max:"100"`
	Answer         *string          `yaml:"answer" json:"answer,omitempty" enum:"queue|ring"`
	RingFor        *tariff.Duration `yaml:"ring_for" json:"ring_for,omitempty" min:"1s" max:"3m"`
	MaxWait        *tariff.Duration `yaml:"max_wait" json:"max_wait,omitempty" max:"24h"`
	MaxQueue       *int             `yaml:"max_queue" json:"max_queue,omitempty" max:"100000"`
	Overflow       *string          `yaml:"overflow" json:"overflow,omitempty" enum:"prompt|busy|forward|wish"`
	OverflowPrompt *string          `yaml:"overflow_prompt" json:"overflow_prompt,omitempty"`
	NoAgent        *string          `yaml:"no_agent" json:"no_agent,omitempty" enum:"wait|prompt|busy|forward|wish"`
	ForwardTo      *Dial            `yaml:"forward_to" json:"forward_to,omitempty"`
	RingTimeout    *tariff.Duration `yaml:"ring_timeout" json:"ring_timeout,omitempty" min:"1s" max:"3m"`
	RecallAfter    *tariff.Duration `yaml:"recall_after" json:"recall_after,omitempty" min:"1s" max:"3m"`
	WarnAt         *tariff.Duration `yaml:"warn_at" json:"warn_at,omitempty" max:"24h"`
	Music          *string          `yaml:"music" json:"music,omitempty"`
	Welcome        *[]string        `yaml:"welcome" json:"welcome,omitempty"`
	Message        *string          `yaml:"message" json:"message,omitempty"`
	Whisper        *string          `yaml:"whisper" json:"whisper,omitempty"`
	Language       *string          `yaml:"language" json:"language,omitempty" enum:"sv|en"`

	AnnounceAfter    *tariff.Duration `yaml:"announce_after" json:"announce_after,omitempty" max:"10m"`
	AnnouncePosition *tariff.Duration `yaml:"announce_position" json:"announce_position,omitempty" min:"15s" max:"1h" off:"zero"`
	AnnounceWait     *tariff.Duration `yaml:"announce_wait" json:"announce_wait,omitempty" min:"15s" max:"1h" off:"zero"`

	Voicemail *[]Dial `yaml:"voicemail" json:"voicemail,omitempty"`

	ServingSpec

	Strategy *string `yaml:"strategy" json:"strategy,omitempty" enum:"longest_idle|fewest_calls|round_robin|ring_all"`
	Share    *int    `yaml:"share" json:"share,omitempty" min:"1" max:"100"`

	VIP         *[]Caller           `yaml:"vip" json:"vip,omitempty"`
	VIPPriority *int                `yaml:"vip_priority" json:"vip_priority,omitempty" max:"200"`
	Blocked     *[]Caller           `yaml:"blocked" json:"blocked,omitempty"`
	KeepPlace   *tariff.Duration    `yaml:"keep_place" json:"keep_place,omitempty" max:"1h"`
	Keys        *map[Digit]QueueKey `yaml:"keys" json:"keys,omitempty"`
	AtLimit     *string             `yaml:"at_limit" json:"at_limit,omitempty" enum:"record|notify|forward|end"`
	LimitTo     *Dial               `yaml:"limit_to" json:"limit_to,omitempty"`
	LimitPrompt *string             `yaml:"limit_prompt" json:"limit_prompt,omitempty"`
	HardCap     *tariff.Duration    `yaml:"hard_cap" json:"hard_cap,omitempty" min:"1m" max:"24h" off:"zero"`
	ParkRecall  *tariff.Duration    `yaml:"park_recall" json:"park_recall,omitempty" min:"10s" max:"1h"`
}

// CommonSpec is a number or entrance of a tenant that callers know. What it names of when the service answers holds for calls to it,
// in place of what the tenant names.
type CommonSpec struct {
	Name            string `yaml:"name" json:"name" required:"what the number is for, as name: Support"`
	Number          Number `yaml:"number" json:"number" required:"the number, as number: \"+4684000001\""`
	CustomerService bool   `yaml:"customer_service" json:"customer_service,omitempty"`

	ServingSpec
}

// ServingSpec is what both a tenant and a common number say about when the service answers.
type ServingSpec struct {
	Service      *string          `yaml:"service" json:"service,omitempty" enum:"always|with_own|overflow|closed_hours|when_away"`
	PoolAfter    *tariff.Duration `yaml:"pool_after" json:"pool_after,omitempty" max:"1h"`
	PoolWhen     *int             `yaml:"pool_when" json:"pool_when,omitempty" max:"1000"`
	PoolHours    *Hours           `yaml:"pool_hours" json:"pool_hours,omitempty"`
	Hours        *Hours           `yaml:"hours" json:"hours,omitempty"`
	Closed       *string          `yaml:"closed" json:"closed,omitempty" enum:"prompt|busy|forward|answer"`
	ClosedPrompt *string          `yaml:"closed_prompt" json:"closed_prompt,omitempty"`
	ClosedTo     *Dial            `yaml:"closed_to" json:"closed_to,omitempty"`
	Levels       *[]LevelSpec     `yaml:"levels" json:"levels,omitempty"`
	Skills       *[]Skill         `yaml:"skills" json:"skills,omitempty"`
}

// AgentSpec is what a file says about a receptionist. Her password is never kept: it is read from the file at each start.
type AgentSpec struct {
	ID        ID         `yaml:"id" json:"id,omitempty" required:"an id, as id: anna"`
	Name      *string    `yaml:"name" json:"name,omitempty"`
	Extension *Extension `yaml:"extension" json:"extension,omitempty"`
	Kind      *string    `yaml:"kind" json:"kind,omitempty" enum:"service|tenant"`
	Tenant    *ID        `yaml:"tenant" json:"tenant,omitempty"`
	Tenants   *[]ID      `yaml:"tenants" json:"tenants,omitempty"`
	// TrunkExtension is what a tenant's own receptionist is reached by behind its trunk, in place of a phone that registers.
	TrunkExtension *Dial            `yaml:"trunk_extension" json:"trunk_extension,omitempty"`
	Groups         *[]ID            `yaml:"groups" json:"groups,omitempty"`
	Skills         *[]Skill         `yaml:"skills" json:"skills,omitempty"`
	Supervisor     *bool            `yaml:"supervisor" json:"supervisor,omitempty"`
	WrapUp         *tariff.Duration `yaml:"wrap_up" json:"wrap_up,omitempty" max:"1h"`
	Codecs         *[]Codec         `yaml:"codecs" json:"codecs,omitempty"`
	SRTP           *string          `yaml:"srtp" json:"srtp,omitempty" enum:"off|optional|required"`
	Password       directory.Secret `yaml:"password" json:"-"`
	PasswordFile   string           `yaml:"password_file" json:"-"`
}

// Named lists the keys that the file names for the tenant, besides its id: they are read-only elsewhere.
func (t TenantSpec) Named() []string { return named(reflect.ValueOf(t)) }

// Named lists the keys that the file names for the agent, besides her id and password: they are read-only elsewhere.
func (a AgentSpec) Named() []string { return named(reflect.ValueOf(a)) }

func named(v reflect.Value) []string {
	var names []string
	for _, f := range fields(v.Type()) {
		if field := v.FieldByIndex(f.index); field.Kind() == reflect.Pointer && !field.IsNil() {
			names = append(names, f.name)
		}
	}
	return names
}

// overlay gives over where its fields are named, under elsewhere.
func overlay[T TenantSpec | AgentSpec | ServingSpec](over, under T) T {
	to, from := reflect.ValueOf(&over).Elem(), reflect.ValueOf(under)
	for _, key := range fields(to.Type()) {
		if f := to.FieldByIndex(key.index); f.Kind() == reflect.Pointer && f.IsNil() {
			f.Set(from.FieldByIndex(key.index))
		}
	}
	return over
}

// ParseProvision reads one provisioning file. It reads no other file: passwords in password_file stay empty, and what
// depends on other files (trunks, plans, other tenants) is not checked. The error is of type Errors.
func ParseProvision(name string, data []byte) (*Provision, error) {
	p := parseProvision(name, data)
	if errs := sorted(p.src.errs); len(errs) > 0 {
		return nil, errs
	}
	return p, nil
}

func parseProvision(name string, data []byte) *Provision {
	p := &Provision{src: newSource(name, data)}
	decode(p.src, data, p)
	for i, a := range p.Agents {
		at := fmt.Sprintf("agents[%d]", i)
		refused := slices.ContainsFunc(p.src.errs, func(e Error) bool { return e.Path == at && e.Problem != "id is missing" })
		if a.Extension == nil && a.TrunkExtension == nil && !refused {
			p.src.fail(at, "extension is missing", "write what her phone registers as, as extension: \"101\"")
		}
	}
	return p
}

// ParsePlan reads a file that holds one price list, as it stands under plans; what it does not name is as in the
// default plan. The error is of type Errors.
func ParsePlan(name string, data []byte) (tariff.Plan, error) {
	s, plan := newSource(name, data), tariff.DefaultPlan()
	decode(s, data, &plan)
	checkPlan(s, "", plan)
	return plan, sorted(s.errs).err()
}
