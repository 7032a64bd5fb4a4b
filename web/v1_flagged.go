package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"telefonist/account"
	"telefonist/directory"
)

// Flagged is one thing that somebody should look at.
type Flagged struct {
	Kind      directory.Kind `json:"kind"`
	ID        string         `json:"id"`
	Title     string         `json:"title"`
	Flags     []string       `json:"flags" doc:"unconfirmed, expired; of referrals also too_long, open_too_long, begins_far, stale and unknown_code"`
	ChangedAt time.Time      `json:"changed_at"`
	ChangedBy string         `json:"changed_by"`
}

// flaggedRoutes declares what whoever looks after a directory works through, and whether an office is open.
func (s *v1) flaggedRoutes() {
	register(s, http.MethodGet, "/tenants/{tenant}/flagged", "list-flagged", "Everything that may no longer hold: information that nobody confirmed or whose validity ended, door codes that expired, doubtful referrals", reading,
		func(ctx context.Context, in *pagedTenant) (*pageOutput[Flagged], error) {
			all, err := s.flagged(ctx, in.Tenant)
			if err != nil {
				return nil, err
			}
			return paged(all, in.Page, func(f Flagged) string { return string(f.Kind) + " " + f.ID })
		})
	register(s, http.MethodGet, "/tenants/{tenant}/offices/{id}/opening", "get-opening", "Whether an office is open, and until or from when, holidays considered", reading,
		func(_ context.Context, in *struct {
			ItemPath
			AtInstant
		}) (*struct{ Body directory.Opening }, error) {
			it, err := s.Store.Item(in.Tenant, directory.KindOffice, in.ID)
			if err != nil {
				return nil, err
			}
			office, err := itemOf[directory.Office](it)
			if in.At.IsZero() {
				in.At = s.Now()
			}
			return &struct{ Body directory.Opening }{office.Doc.OpeningAt(in.At, s.Calendar)}, err
		})
}

func (s *v1) flagged(ctx context.Context, tenant string) (out []Flagged, err error) {
	settings, err := s.settings(tenant)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	out = []Flagged{}
	if err := flag(s, &out, tenant, directory.KindInstructions, func(i directory.Instructions) (string, []directory.StaleFlag) {
		return i.Answer, i.Stale(now, settings)
	}); err != nil {
		return nil, err
	}
	if err := flag(s, &out, tenant, directory.KindNotice, func(n directory.Notice) (string, []directory.StaleFlag) { return n.Text, n.Stale(now, settings) }); err != nil {
		return nil, err
	}
	if err := flag(s, &out, tenant, directory.KindQuestion, func(q directory.Question) (string, []directory.StaleFlag) {
		return q.Question, q.Stale(now, settings)
	}); err != nil {
		return nil, err
	}
	if err := flag(s, &out, tenant, directory.KindDoorCode, func(d directory.DoorCode) (string, []directory.StaleFlag) {
		if d.ExpiredAt(now) {
			return d.Label, []directory.StaleFlag{directory.Expired}
		}
		return d.Label, nil
	}); err != nil {
		return nil, err
	}
	if !identity(ctx).May(tenant, account.ReadReferrals) { // the flags of a code say something of the code
		return out, nil
	}
	return out, flag(s, &out, tenant, directory.KindReferral, func(r directory.Referral) (string, []directory.ReferralFlag) {
		if flags := r.Flags(now, settings); !slices.Contains(flags, directory.Over) { // one that is over does nothing any more
			return r.Code, flags
		}
		return r.Code, nil
	})
}

// flag adds the items of a kind that have flags.
func flag[T any, F ~string](s *v1, out *[]Flagged, tenant string, k directory.Kind, of func(T) (string, []F)) error {
	items, err := every[T](s.Store, tenant, k, "")
	for _, it := range items {
		title, flags := of(it.Doc)
		if len(flags) == 0 {
			continue
		}
		one := Flagged{Kind: k, ID: it.ID, Title: title, ChangedAt: it.ChangedAt, ChangedBy: it.ChangedBy}
		for _, f := range flags {
			one.Flags = append(one.Flags, string(f))
		}
		*out = append(*out, one)
	}
	return err
}
