package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/account"
	"telefonist/call"
	"telefonist/queue"
	"telefonist/switchboard"
)

// Live is what is going on.
type Live = switchboard.Snapshot

// LiveInfo is one live call of it, LiveWish a call-back wish.
type (
	LiveInfo = switchboard.CallInfo
	LiveWish = switchboard.WishInfo
)

// Desk is what receptionists and supervisors ask of the switchboard.
type Desk interface {
	Snapshot(context.Context) (switchboard.Snapshot, error)
	// Changes gets a token where what Snapshot tells may have changed. It holds one.
	Changes() <-chan struct{}
	Live(ctx context.Context, id call.ID, agent string) (switchboard.CallInfo, error)
	Do(context.Context, switchboard.Order) (switchboard.Done, error)
	Dial(context.Context, switchboard.Outgoing) (call.ID, error)
	PickUp(ctx context.Context, agent string, slot int, expected call.ID) (call.ID, error)
	SetAgent(context.Context, switchboard.AgentOrder) error
	FreeAgent(ctx context.Context, agent, by string) error
	Take(ctx context.Context, id call.ID, agent, by string) error
	Move(ctx context.Context, id call.ID, position int, by string) error
	Note(ctx context.Context, n switchboard.Note) (switchboard.Note, error)
}

var (
	working     = []account.Scope{account.Work, account.Supervise}
	supervising = []account.Scope{account.Supervise}
	acting      = failing(http.StatusConflict)
)

// mayActAs refuses whoever is neither the agent nor a supervisor.
func mayActAs(ctx context.Context, agent string) error {
	if !identity(ctx).ActsAs(agent) {
		return huma.Error403Forbidden("the token acts as another agent")
	}
	return nil
}

// deskError turns what the switchboard could not do into what the client is told.
func deskError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, switchboard.ErrUnknown):
		return huma.Error404NotFound(err.Error())
	case errors.Is(err, switchboard.ErrConflict):
		return huma.Error409Conflict(err.Error())
	case errors.Is(err, switchboard.ErrRefused):
		return huma.Error403Forbidden(err.Error())
	case errors.Is(err, switchboard.ErrInvalid):
		return huma.Error422UnprocessableEntity(err.Error())
	case errors.Is(err, switchboard.ErrStopped):
		return huma.Error503ServiceUnavailable("the service is being stopped")
	}
	return err
}

// CallAction is what a receptionist or a supervisor wants done with a live call.
type CallAction struct {
	Action call.Action `json:"action" doc:"What is to be done"`
	To     string      `json:"to,omitempty" maxLength:"100" doc:"Where to, for connect, announce and divert: a number as it would be dialled, person:ID, common:NAME, agent:ID, supervisor, group:NAME"`
	Grant  int         `json:"grant_seconds,omitempty" minimum:"0" maximum:"3600" doc:"How much more time a supervisor grants"`
	Agent  string      `json:"agent,omitempty" doc:"As which receptionist, for a supervisor; missing: the token's own"`
}

// ActionDone tells what became of it.
type ActionDone struct {
	Call  call.ID `json:"call"`
	Slot  int     `json:"slot,omitempty" doc:"Where the call was parked"`
	Later bool    `json:"later,omitempty" doc:"It is done when the answer is durable, in some milliseconds"`
}

type actionOutput struct{ Body ActionDone }

// AgentState is what an agent is to be between calls.
type AgentState struct {
	State  string `json:"state" enum:"available,paused,logged_out"`
	Reason string `json:"reason,omitempty" enum:"lunch,meeting,admin,other" doc:"Of a pause; missing: other"`
}

// NoteInput is a note to the consoles.
type NoteInput struct {
	Text   string   `json:"text" minLength:"1" maxLength:"500"`
	Agents []string `json:"agents,omitempty" maxItems:"1000" doc:"Whom it is for; missing: everybody"`
}

// AgentPath names an agent.
type AgentPath struct {
	Agent string `path:"agent" maxLength:"64"`
}

// LivePath names a live call.
type LivePath struct {
	Call string `path:"call" maxLength:"64"`
}

// deskRoutes declares what receptionists and supervisors do. Where there is no switchboard they answer 503.
func (s *v1) deskRoutes() {
	s.callActionRoutes()
	s.agentRoutes()
	s.supervisorRoutes()
}

func (s *v1) desk() (Desk, error) {
	if s.Desk == nil {
		return nil, huma.Error503ServiceUnavailable("this needs the running server")
	}
	return s.Desk, nil
}

func (s *v1) callActionRoutes() {
	register(s, http.MethodGet, "/live", "live", "Live calls, waiting lines, parked calls, agents, notes and alarms: all for a supervisor, those of her tenants for a receptionist", working,
		func(ctx context.Context, _ *struct{}) (*struct{ Body switchboard.Snapshot }, error) {
			d, err := s.desk()
			if err != nil {
				return nil, err
			}
			live, err := s.live(ctx, d)
			return &struct{ Body switchboard.Snapshot }{live}, err
		}, serviceWide)
	s.liveStreamRoute()
	register(s, http.MethodPost, "/calls/{call}/actions", "act", "Do something with a live call: the one that the receptionist has, or as a supervisor any", working,
		func(ctx context.Context, in *struct {
			LivePath
			Body CallAction
		}) (*actionOutput, error) {
			return s.act(ctx, call.ID(in.Call), in.Body)
		}, acting, serviceWide)
	register(s, http.MethodPost, "/agents/{agent}/actions", "act-own", "Do something with the call that the agent has", working,
		func(ctx context.Context, in *struct {
			AgentPath
			Body CallAction
		}) (*actionOutput, error) {
			in.Body.Agent = in.Agent
			return s.act(ctx, "", in.Body)
		}, acting, serviceWide)
	register(s, http.MethodPost, "/agents/{agent}/calls", "dial", "Ring the agent, then call a number in a tenant's name", working,
		func(ctx context.Context, in *struct {
			AgentPath
			Body struct {
				Tenant string `json:"tenant" doc:"In whose name: its number is shown and its trunk used"`
				To     string `json:"to" maxLength:"64" doc:"A number or extension of the tenant's, as it would be dialled, or person:ID"`
			}
		}) (*actionOutput, error) {
			d, err := s.desk()
			if err == nil {
				err = mayActAs(ctx, in.Agent)
			}
			if err == nil {
				err = s.mayCallFor(in.Agent, in.Body.Tenant)
			}
			if err != nil {
				return nil, err
			}
			to, err := s.reached(in.Body.Tenant, in.Body.To)
			if err != nil {
				return nil, err
			}
			id, err := d.Dial(ctx, switchboard.Outgoing{Agent: in.Agent, Tenant: in.Body.Tenant, To: to})
			return &actionOutput{ActionDone{Call: id}}, deskError(err)
		}, status(http.StatusCreated), acting, serviceWide)
	register(s, http.MethodPost, "/agents/{agent}/pickup", "pick-up", "Pick a parked call up", working,
		func(ctx context.Context, in *struct {
			AgentPath
			Body struct {
				Slot int    `json:"slot" minimum:"1" maximum:"99"`
				Call string `json:"call,omitempty" maxLength:"64" doc:"Who is expected there: where another caller is, nobody is picked up (409)"`
			}
		}) (*actionOutput, error) {
			d, err := s.desk()
			if err == nil {
				err = mayActAs(ctx, in.Agent)
			}
			if err != nil {
				return nil, err
			}
			id, err := d.PickUp(ctx, in.Agent, in.Body.Slot, call.ID(in.Body.Call))
			return &actionOutput{ActionDone{Call: id}}, deskError(err)
		}, acting, serviceWide)
}

// act carries out an action as the agent whom the token is, or as a supervisor.
func (s *v1) act(ctx context.Context, id call.ID, a CallAction) (*actionOutput, error) {
	d, err := s.desk()
	if err != nil {
		return nil, err
	}
	who := identity(ctx)
	if a.Agent == "" && !who.Supervises() {
		a.Agent = who.Agent
	}
	if a.Agent != "" && !who.ActsAs(a.Agent) {
		return nil, huma.Error403Forbidden("the token acts as another agent")
	}
	to := strings.TrimSpace(a.To)
	if strings.HasPrefix(to, toPerson) {
		tenant, err := s.tenantOf(ctx, d, id, a.Agent)
		if err == nil {
			to, err = s.reached(tenant, to)
		}
		if err != nil {
			return nil, err
		}
	}
	done, err := d.Do(ctx, switchboard.Order{Agent: a.Agent, Call: id, Do: a.Action, To: to, Grant: time.Duration(a.Grant) * time.Second, By: who.Name})
	s.Log.Info("call action", "who", who.Name, "agent", a.Agent, "call", done.Call, "action", a.Action, "err", err)
	return &actionOutput{ActionDone{done.Call, done.Slot, done.Later}}, deskError(err)
}

// agentStates are what AgentState says.
var agentStates = map[string]queue.State{"available": queue.Available, "paused": queue.Paused, "logged_out": queue.Offline}

func (s *v1) agentRoutes() {
	register(s, http.MethodPut, "/agents/{agent}/state", "set-agent", "Log an agent in or out, pause or resume her; a call that she has goes on", working,
		func(ctx context.Context, in *struct {
			AgentPath
			Body AgentState
		}) (*struct{}, error) {
			d, err := s.desk()
			if err == nil {
				err = mayActAs(ctx, in.Agent)
			}
			if err != nil {
				return nil, err
			}
			return nil, deskError(d.SetAgent(ctx, switchboard.AgentOrder{Agent: in.Agent, To: agentStates[in.Body.State], Reason: in.Body.Reason, By: identity(ctx).Name}))
		}, status(http.StatusNoContent), serviceWide)
	register(s, http.MethodPost, "/agents/{agent}/free", "free-agent", "Take an agent out of the call that she is stuck in; the call goes on or back to the queue", supervising,
		func(ctx context.Context, in *AgentPath) (*struct{}, error) {
			d, err := s.desk()
			if err != nil {
				return nil, err
			}
			return nil, deskError(d.FreeAgent(ctx, in.Agent, identity(ctx).Name))
		}, status(http.StatusNoContent), acting, serviceWide)
}

func (s *v1) supervisorRoutes() {
	register(s, http.MethodPost, "/queue/{call}/take", "take-call", "Give a waiting call to an agent who is free, past everybody else", supervising,
		func(ctx context.Context, in *struct {
			LivePath
			Body struct {
				Agent string `json:"agent"`
			}
		}) (*struct{}, error) {
			d, err := s.desk()
			if err != nil {
				return nil, err
			}
			return nil, deskError(d.Take(ctx, call.ID(in.Call), in.Body.Agent, identity(ctx).Name))
		}, status(http.StatusNoContent), acting, serviceWide)
	register(s, http.MethodPost, "/queue/{call}/move", "move-call", "Put a waiting call at a position of the order of service", supervising,
		func(ctx context.Context, in *struct {
			LivePath
			Body struct {
				Position int `json:"position" minimum:"1" doc:"1 is next"`
			}
		}) (*struct{}, error) {
			d, err := s.desk()
			if err != nil {
				return nil, err
			}
			return nil, deskError(d.Move(ctx, call.ID(in.Call), in.Body.Position, identity(ctx).Name))
		}, status(http.StatusNoContent), acting, serviceWide)
	register(s, http.MethodPost, "/notes", "send-note", "Show a note on consoles", supervising,
		func(ctx context.Context, in *struct{ Body NoteInput }) (*struct{ Body switchboard.Note }, error) {
			d, err := s.desk()
			if err != nil {
				return nil, err
			}
			n, err := d.Note(ctx, switchboard.Note{Text: in.Body.Text, Agents: in.Body.Agents, By: identity(ctx).Name})
			return &struct{ Body switchboard.Note }{n}, deskError(err)
		}, status(http.StatusCreated), serviceWide)
}

// ofService is the key that marks a route of the service itself: no tenant is in its path, and the guard asks for the
// identity's scope alone.
const ofService = "service"

func serviceWide(op *huma.Operation) { op.Metadata[ofService] = true }
