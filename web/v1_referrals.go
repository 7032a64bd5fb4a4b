package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/account"
	"telefonist/directory"
)

// personOf gives the person of a referral's id.
func personOf(id string) string { who, _, _ := strings.Cut(id, "/"); return who }

// ReferralPath is the path of a referral.
type ReferralPath struct {
	ItemPath
	Referral string `path:"referral" maxLength:"100"`
}

func (p ReferralPath) id() string { return p.ID + "/" + p.Referral }

// ReferralItem is a referral with what makes it doubtful.
type ReferralItem struct {
	ItemOf[directory.Referral]
	Active bool                     `json:"active"`
	Flags  []directory.ReferralFlag `json:"flags,omitempty"`
}

type referralOutput struct {
	ETag string `header:"ETag"`
	Body ReferralItem
}

var (
	readReferrals  = []account.Scope{account.ReadReferrals}
	writeReferrals = []account.Scope{account.WriteReferrals}
)

type putReferral struct {
	ReferralPath
	Precondition
	Body directory.Referral
}

type clearReferral struct {
	ReferralPath
	Precondition
}

type restoreReferral struct {
	ReferralPath
	Precondition
	Body VersionBody
}

// referralRoutes declares a referral's life: it is set, listed with its true reason, changed, cleared, and restored.
func (s *v1) referralRoutes() {
	const path = "/tenants/{tenant}/people/{id}/referrals"
	register(s, http.MethodGet, path, "list-referrals", "A person's referrals with their true reasons", readReferrals, s.listReferrals)
	register(s, http.MethodPost, path, "set-referral", "Set a referral", writeReferrals,
		func(ctx context.Context, in *struct {
			ItemPath
			Body directory.Referral
		}) (*referralOutput, error) {
			return s.setReferral(ctx, in.Tenant, in.ID, newID()[:12], in.Body, directory.NoVersion, "")
		}, status(http.StatusCreated))
	register(s, http.MethodPut, path+"/{referral}", "put-referral", "Change a referral", writeReferrals,
		func(ctx context.Context, in *putReferral) (*referralOutput, error) {
			match, err := in.match()
			if err != nil {
				return nil, err
			}
			return s.setReferral(ctx, in.Tenant, in.ID, in.Referral, in.Body, match, "")
		}, changing)
	register(s, http.MethodDelete, path+"/{referral}", "clear-referral", "Clear a referral", writeReferrals, s.clearReferral, status(http.StatusNoContent), changing)
	register(s, http.MethodGet, path+"/{referral}/history", "history-referral", "Who changed a referral, with the true reasons", readReferrals,
		func(_ context.Context, in *struct {
			ReferralPath
			Page
		}) (*historyOutput, error) {
			return s.historyOf(in.Tenant, directory.KindReferral, in.id(), in.Page)
		})
	register(s, http.MethodPost, path+"/{referral}/restore", "restore-referral", "Write an earlier version of a referral again", writeReferrals, s.restoreReferral, changing, showing(account.ReadReferrals))
}

func (s *v1) listReferrals(_ context.Context, in *pagedItem) (*pageOutput[ReferralItem], error) {
	settings, err := s.settings(in.Tenant)
	if err != nil {
		return nil, err
	}
	items, err := every[directory.Referral](s.Store, in.Tenant, directory.KindReferral, in.ID+"/")
	if err != nil {
		return nil, err
	}
	var all []ReferralItem
	for _, it := range items {
		all = append(all, s.referralItem(it, settings))
	}
	return paged(all, in.Page, func(r ReferralItem) string { return r.ID })
}

func (s *v1) clearReferral(ctx context.Context, in *clearReferral) (*struct{}, error) {
	match, err := in.match()
	if err != nil {
		return nil, err
	}
	if err := s.agentMay(ctx, in.Tenant); err != nil {
		return nil, err
	}
	_, err = s.edit(ctx, in.Tenant, directory.Edit{Kind: directory.KindReferral, ID: in.id(), Match: match})
	return nil, err
}

func (s *v1) restoreReferral(ctx context.Context, in *restoreReferral) (*referralOutput, error) {
	match, err := in.match()
	if err != nil {
		return nil, err
	}
	var r directory.Referral
	if err := s.version(in.Tenant, directory.KindReferral, in.id(), in.Body.Version, &r); err != nil {
		return nil, err
	}
	return s.setReferral(ctx, in.Tenant, in.ID, in.Referral, r, match, directory.ActionRestore)
}

func (s *v1) referralItem(it ItemOf[directory.Referral], settings directory.Settings) ReferralItem {
	_, it.ID, _ = strings.Cut(it.ID, "/")
	now := s.Now()
	return ReferralItem{it, it.Doc.ActiveAt(now), it.Doc.Flags(now, settings)}
}

const agentsMayNot = "the tenant does not let receptionists set referrals: agents_may_set_referral of its settings says so"

// agentMay refuses receptionists where the tenant does not let them set referrals.
func (s *v1) agentMay(ctx context.Context, tenant string) error {
	if !identity(ctx).IsAgent() {
		return nil
	}
	settings, err := s.settings(tenant)
	if err == nil && !settings.AgentsMaySetReferral {
		err = huma.Error403Forbidden(agentsMayNot)
	}
	return err
}

func (s *v1) setReferral(ctx context.Context, tenant, person, id string, r directory.Referral, match uint64, action directory.Action) (*referralOutput, error) {
	if !directory.ValidID(id) {
		return nil, unprocessable("path", directory.Problems{{Field: "referral", Wrong: "is no id", Write: "write letters and digits"}})
	}
	if _, err := s.Store.Item(tenant, directory.KindPerson, person); err != nil {
		return nil, err
	}
	settings, err := s.settings(tenant)
	if err != nil {
		return nil, err
	}
	if identity(ctx).IsAgent() || r.Source == directory.FromAgent {
		if !settings.AgentsMaySetReferral {
			return nil, huma.Error403Forbidden(agentsMayNot)
		}
		r.Source = directory.FromAgent
	}
	text, err := s.complete(ctx, tenant, &r, settings)
	if err != nil {
		return nil, err
	}
	items, err := s.edit(ctx, tenant, directory.Edit{Kind: directory.KindReferral, ID: person + "/" + id, Doc: text, Match: match, Action: action})
	if err != nil {
		return nil, err
	}
	it, err := itemOf[directory.Referral](items[0])
	return &referralOutput{etag(it.Version), s.referralItem(it, settings)}, err
}

func (s *v1) complete(ctx context.Context, tenant string, r *directory.Referral, settings directory.Settings) (json.RawMessage, error) {
	if who := identity(ctx); r.SetBy == "" || who.IsAgent() {
		r.SetBy = who.Name
	}
	if err := r.Complete(s.Now().UTC(), settings, s.region(tenant), s.Calendar).Err(); err != nil {
		return nil, err
	}
	return json.Marshal(r)
}
