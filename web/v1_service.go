package web

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/account"
	"telefonist/calendar"
	"telefonist/call"
	"telefonist/directory"
)

// SetSwitch keeps what a tenant's own receptionists have set, so that the next call goes by it.
type SetSwitch func(tenant string, s directory.Switch, by directory.Actor) (directory.Switch, error)

// Answering says who answers calls by a number, and what it depends on.
type Answering struct {
	Mode directory.Mode `json:"mode" enum:"always,with_own,overflow,closed_hours,when_away" doc:"When the service answers, as it is configured"`
	directory.Service
	// Otherwise is told so that nobody has to know what a mode does.
	Otherwise directory.Service `json:"otherwise" doc:"The same if the switch stood the other way, without an end"`
	Closed    directory.Shut    `json:"closed" enum:"prompt,busy,forward,answer" doc:"What becomes of calls while nobody answers: a prompt, busy, on to another number, or the service answers anyway, so that somebody always does"`
	OwnToo    bool              `json:"own_too" doc:"Where the service answers, the tenant's own receptionists are offered the calls alike"`
}

// ServiceInfo says when the service answers for a tenant.
type ServiceInfo struct {
	Answering
	Text string    `json:"text" doc:"The same in words: open until 17:00 (the service answers)"`
	At   time.Time `json:"at" doc:"The instant that it is told for"`
	// Switch is what was set last; it may have ended.
	Switch     directory.Switch `json:"switch" doc:"What the tenant's own receptionists have set last, and when it ends or has ended"`
	SwitchedBy string           `json:"switched_by,omitempty" doc:"Who set it, by name, where that was a receptionist or a token"`
	HasOwn     bool             `json:"has_own" doc:"The tenant has receptionists of its own here; where it has none, the service answers in all modes"`
	Matters    bool             `json:"switch_matters" doc:"The switch makes a difference to some calls, by some of the tenant's numbers, at some times"`
	Hours      *calendar.Hours  `json:"hours,omitempty" doc:"Opening hours; missing: always open"`
	Pool       *calendar.Hours  `json:"pool_hours,omitempty" doc:"Hours of the service, where it is had for a part of the time only"`
	Holidays   []ServiceHoliday `json:"holidays" doc:"Those within 30 days, on which the hours of holidays hold in place of the weekday's"`
	Common     []CommonService  `json:"common_numbers" doc:"Common numbers that have settings of their own; none where one was asked for"`
}

// ServiceHoliday is a holiday of the tenant's calendar.
type ServiceHoliday struct {
	Date    calendar.Date `json:"date"`
	Swedish string        `json:"swedish"`
	English string        `json:"english"`
}

// CommonService says who answers calls by a common number that has settings of its own.
type CommonService struct {
	Number string `json:"number"`
	Name   string `json:"name"`
	Answering
}

// holidaysAhead is for how many days holidays are told.
const holidaysAhead = 30

// AwayRequest sets the switch.
type AwayRequest struct {
	Away  bool      `json:"away" doc:"The tenant's own receptionists are away, so that the service answers"`
	Until time.Time `json:"until,omitzero" doc:"When they are back by themselves; missing: when the switch is set again"`
}

type serviceOutput struct{ Body ServiceInfo }

// switching are the scopes that may set the switch: like a referral it says who is away.
var switching = []account.Scope{account.WriteDirectory, account.WriteReferrals}

// isOwn tells whether an agent is a tenant's own receptionist.
func (s *v1) isOwn(agent string) bool {
	a, known := s.Tenants().Agent(agent)
	return known && a.Kind == call.Own
}

func (s *v1) serviceRoutes() {
	const path = "/tenants/{tenant}/service"
	register(s, http.MethodGet, path, "get-service", "Who answers the tenant's calls now, and until when", reading,
		func(_ context.Context, in *struct {
			Tenanted
			Common string `query:"common" doc:"For calls to this common number"`
			AtInstant
		}) (*serviceOutput, error) {
			if in.At.IsZero() {
				in.At = s.Now()
			}
			return s.service(in.Tenant, in.Common, in.At)
		})
	register(s, http.MethodPut, path, "put-service", "Say that the tenant's own receptionists are away, or back; the next call goes by it, and the last one counts", switching,
		func(ctx context.Context, in *struct {
			Tenanted
			Body AwayRequest
		}) (*serviceOutput, error) {
			if s.SetSwitch == nil {
				return nil, huma.Error503ServiceUnavailable("nothing can be switched here")
			}
			if who := identity(ctx); who.IsAgent() && !s.isOwn(who.Agent) {
				return nil, huma.Error403Forbidden("only the tenant's own receptionists say that they are away")
			}
			by := actor(ctx, "api")
			if _, err := s.SetSwitch(in.Tenant, directory.Switch{Away: in.Body.Away, Until: in.Body.Until}, by); err != nil {
				return nil, err
			}
			s.Log.InfoContext(ctx, "own receptionists switched", "tenant", in.Tenant, "away", in.Body.Away, "until", in.Body.Until, "by", by.Name)
			return s.service(in.Tenant, "", s.Now())
		}, failing(http.StatusServiceUnavailable))
}

func (s *v1) service(tenant, common string, at time.Time) (*serviceOutput, error) {
	all := s.Tenants()
	t, _ := all.Tenant(tenant)
	var number directory.CommonNumber
	if common != "" {
		e164, err := s.scope(tenant, common)
		if err != nil || e164 == directory.ScopeTenant {
			return nil, unprocessable("query", directory.Problems{{Field: "common", Wrong: "is no common number of the tenant", Write: "write one of its common numbers, or leave it out"}})
		}
		number.Number = e164
	}
	serving, sw := t.ServingOf(number), all.Switch(tenant)
	now := answering(t, number, at, sw)
	out := ServiceInfo{Answering: now, Text: now.Text(at), At: at, Switch: sw, SwitchedBy: s.nameOf(sw.By),
		HasOwn: t.HasOwn, Matters: t.SwitchMatters(), Holidays: holidays(t.Plan.Calendar(), at), Common: []CommonService{}}
	if serving.Hours.Known() {
		out.Hours = &serving.Hours
	}
	if serving.Pool.Known() {
		out.Pool = &serving.Pool
	}
	for _, c := range t.Common {
		if _, differs := t.ByNumber[c.Number]; differs && common == "" {
			out.Common = append(out.Common, CommonService{c.Number, c.Name, answering(t, c, at, sw)})
		}
	}
	return &serviceOutput{out}, nil
}

func answering(t directory.Tenant, number directory.CommonNumber, at time.Time, sw directory.Switch) Answering {
	serving, now := t.ServingOf(number), directory.ServiceAt(t, number, at, sw)
	return Answering{Mode: serving.Mode.OrAlways(), Service: now, Otherwise: directory.ServiceAt(t, number, at, directory.Switch{Away: !now.Away}),
		Closed: cmp.Or(serving.Shut, directory.ShutPrompt), OwnToo: t.HasOwn && serving.OwnAlike()}
}

// nameOf is what people call a receptionist or a token, empty for other ways.
func (s *v1) nameOf(by directory.Actor) string {
	if id, is := strings.CutPrefix(by.Name, account.AgentName); is {
		if a, known := s.Tenants().Agent(id); known && a.Name != "" {
			return a.Name
		}
		return id
	}
	name, is := strings.CutPrefix(by.Name, account.TokenName)
	if !is {
		return ""
	}
	return name
}

func holidays(c calendar.Calendar, at time.Time) []ServiceHoliday {
	out := []ServiceHoliday{}
	for d, n := calendar.DateOf(at), 0; n <= holidaysAhead; d, n = d.AddDays(1), n+1 {
		if h, is := c.Holiday(d); is {
			out = append(out, ServiceHoliday{d, h.Swedish, h.English})
		}
	}
	return out
}
