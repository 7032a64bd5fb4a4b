package app

import (
	"encoding/json"
	"fmt"
	"strings"

	"telefonist/config"
	"telefonist/directory"
	"telefonist/store"
)

// Keys of provisioned entries in the store.
const (
	tenantKey = "tenant/"
	agentKey  = "agent/"
)

// provisioned reads what was ever provisioned.
func provisioned(s *store.Store) (config.State, uint64, error) {
	state := config.State{Tenants: map[string]config.TenantState{}, Agents: map[string]config.AgentState{}}
	entries, err := s.Provisioned()
	if err != nil {
		return state, 0, err
	}
	var generation uint64
	for _, e := range entries {
		generation = max(generation, e.Generation)
		if id, ok := strings.CutPrefix(e.Key, tenantKey); ok {
			err = keep(state.Tenants, id, e.Doc)
		} else if id, ok := strings.CutPrefix(e.Key, agentKey); ok {
			err = keep(state.Agents, id, e.Doc)
		}
		if err != nil {
			return state, 0, fmt.Errorf("provisioned entry %s: %w", e.Key, err)
		}
	}
	return state, generation, nil
}

func keep[T any](m map[string]T, id string, doc json.RawMessage) error {
	var v T
	if err := json.Unmarshal(doc, &v); err != nil {
		return err
	}
	m[id] = v
	return nil
}

// provision applies the configuration's tenants and agents and keeps what was applied.
func provision(s *store.Store, cfg *config.Config) (*directory.Directory, error) {
	prev, generation, err := provisioned(s)
	if err != nil {
		return nil, err
	}
	next, dir, err := cfg.Apply(prev)
	if err != nil {
		return nil, err
	}
	switches, err := s.Switches()
	if err != nil {
		return nil, err
	}
	dir = dir.WithSwitches(switches)
	generation++
	var entries []store.Provisioned
	for id, t := range next.Tenants {
		entries, err = entry(entries, tenantKey+id, generation, t.Disabled, t, err)
	}
	for id, a := range next.Agents {
		entries, err = entry(entries, agentKey+id, generation, a.Disabled, a, err)
	}
	if err != nil {
		return nil, fmt.Errorf("keep provisioning: %w", err)
	}
	if len(entries) == 0 {
		return dir, nil
	}
	return dir, s.PutProvisioned(entries...)
}

func entry(all []store.Provisioned, key string, generation uint64, disabled bool, v any, before error) ([]store.Provisioned, error) {
	doc, err := json.Marshal(v)
	if before != nil {
		err = before
	}
	return append(all, store.Provisioned{Key: key, Generation: generation, Disabled: disabled, Doc: doc}), err
}
