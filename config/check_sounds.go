package config

import (
	"fmt"
	"maps"
	"slices"

	"telefonist/call"
)

// CheckSounds reports every prompt and music that a file names and that is none of known, at its place.
func (c *Config) CheckSounds(known []string) Errors {
	var all Errors
	check := func(s *source, at, what, name string) {
		if slices.Contains(known, name) {
			return
		}
		problem, fix := fmt.Sprintf("there is no %s %q", what, name), "write a name of media.prompts, or a built-in one such as sv-welcome"
		if what == "music" {
			fix = "write a name of media.music, or music for the built-in one"
		}
		if near := closest(name, known); near != "" {
			fix = fmt.Sprintf("did you mean %s?", near)
		}
		if s == nil {
			all = append(all, c.Errorf(at, problem, fix)...)
			return
		}
		all = append(all, s.errorAt(s.find(at), at, problem, fix))
	}
	list := func(s *source, at string, names []string) {
		for i, name := range names {
			check(s, fmt.Sprintf("%s[%d]", at, i), "prompt", name)
		}
	}
	check(c.src, "queue.music", "music", c.Queue.Music)
	list(c.src, "queue.welcome", c.Queue.Welcome)
	for _, prompt := range [][2]string{{"overflow", c.Queue.OverflowPrompt}, {"closed", c.Queue.ClosedPrompt}, {"limit", c.Queue.LimitPrompt}} {
		if prompt[1] != "" {
			check(c.src, "queue."+prompt[0]+"_prompt", "prompt", prompt[1])
		}
	}
	keys := func(s *source, at string, keys map[Digit]QueueKey) {
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if what := keys[key]; what.Do == call.KeySay {
				check(s, at+"."+string(key), "prompt", what.To)
			}
		}
	}
	keys(c.src, "queue.keys", c.Queue.Keys)
	for _, p := range c.provisions {
		for i, t := range p.Tenants {
			at := fmt.Sprintf("tenants[%d].", i)
			if t.Music != nil {
				check(p.src, at+"music", "music", *t.Music)
			}
			list(p.src, at+"welcome", or(t.Welcome, nil))
			one := func(key string, name *string) {
				if or(name, "") != "" {
					check(p.src, at+key, "prompt", *name)
				}
			}
			one("message", t.Message)
			one("whisper", t.Whisper)
			one("overflow_prompt", t.OverflowPrompt)
			one("closed_prompt", t.ClosedPrompt)
			one("limit_prompt", t.LimitPrompt)
			keys(p.src, at+"keys", or(t.Keys, nil))
			for j, n := range or(t.CommonNumbers, nil) {
				one(fmt.Sprintf("common_numbers[%d].closed_prompt", j), n.ClosedPrompt)
			}
		}
	}
	return all
}
