package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"telefonist/tariff"
)

// check looks at what one file alone can show, beyond the form of each value.
func (c *Config) check() {
	c.checkListen()
	c.checkMedia()
	c.checkWeb()
	c.checkTrunks()
	c.checkPlans()
	c.checkMessages()
	c.checkCodes()
	c.checkGroups()
	c.checkQueueKeys()
	if c.SIP.RegisterMin > c.SIP.RegisterMax {
		c.src.fail("sip.register_min", "is longer than register_max", "write at most "+tariff.Duration(c.SIP.RegisterMax).String())
	}
	if c.SIP.Realm == "" || strings.ContainsAny(c.SIP.Realm, `"\`) {
		c.src.fail("sip.realm", "is empty or holds quotes", "write a name, such as telefonist.example")
	}
	if c.Store.Dir == "" {
		c.src.fail("store.dir", "is empty", "write a folder, such as data")
	}
	if rel, err := filepath.Rel(c.Store.Dir, c.Store.KeyFile); c.Store.KeyFile != "" && err == nil && filepath.IsLocal(rel) {
		c.src.fail("store.key_file", "lies in the store's folder: whoever copies that would have the keys too", "write a file elsewhere, such as /etc/telefonist/telefonist.keys")
	}
	for i, file := range c.Provision {
		if file == "" {
			c.src.fail(fmt.Sprintf("provision[%d]", i), "is empty", "write the path of a file, such as tenants.yaml")
		}
	}
}

func (c *Config) checkListen() {
	if len(c.SIP.Listen) == 0 {
		c.src.fail("sip.listen", "is empty: nobody could call", "write udp://0.0.0.0:5060 or take the line out")
	}
	seen := map[Listen]bool{}
	for i, l := range c.SIP.Listen {
		if seen[l] && l.Addr.Port() != 0 {
			c.src.fail(fmt.Sprintf("sip.listen[%d]", i), l.String()+" is listed twice", "take one out")
		}
		seen[l] = true
	}
	if c.SIP.ExternalAddress.IsValid() && c.SIP.ExternalAddress.IsUnspecified() {
		c.src.fail("sip.external_address", "is no address that others can reach", "write the public address, or \"\" for none")
	}
}

func (c *Config) checkMedia() {
	if !c.Media.Address.IsValid() {
		c.src.fail("media.address", "is empty", "write 0.0.0.0 or the address of one interface")
	}
	for i, l := range c.SIP.Listen {
		if p := l.Addr.Port(); l.Network == "udp" && p >= c.Media.Ports.Min && p <= c.Media.Ports.Max {
			c.src.fail("media.ports", fmt.Sprintf("%s holds port %d of sip.listen[%d]", c.Media.Ports, p, i),
				fmt.Sprintf("write a range without %d, such as 10000-31999", p))
		}
	}
	if c.Media.Ports.Max >= 32768 {
		c.src.warn("media.ports", "reaches into the ports that Linux gives to outgoing connections (from 32768)",
			"write a range below, such as 10000-31999")
	}
	for name, file := range c.Media.Prompts {
		if file == "" {
			c.src.fail("media.prompts."+name, "is empty", "write the path of a WAV file")
		}
	}
	for name, file := range c.Media.Music {
		if file == "" {
			c.src.fail("media.music."+name, "is empty", "write the path of a folder of WAV files, or of one")
		}
		if _, twice := c.Media.Prompts[name]; twice {
			c.src.fail("media.music."+name, "media.prompts has that name already", "write another name")
		}
	}
	checkCodecs(c.src, "media.codecs", c.Media.Codecs, true)
}

func (c *Config) checkWeb() {
	w := c.Web
	if (w.TLS.Cert == "") != (w.TLS.Key == "") {
		c.src.fail("web.tls", "cert and key belong together", "write both, or neither for plain HTTP")
	}
	if !w.Listen.Addr().IsLoopback() && w.TLS.Cert == "" && len(w.TrustedProxies) == 0 {
		c.src.warn("web.listen", "takes plain HTTP from other machines",
			"write 127.0.0.1 and put a proxy before it, or set tls")
	}
}

func (c *Config) checkTrunks() {
	names, sources := map[ID]int{}, map[Source]ID{}
	for i, t := range c.Trunks {
		at := fmt.Sprintf("trunks[%d]", i)
		if first, twice := names[t.Name]; twice && t.Name != "" {
			c.src.fail(at+".name", fmt.Sprintf("trunks[%d] has the name %q already", first, t.Name), "write another")
		} else {
			names[t.Name] = i
		}
		if _, given := c.src.at[at+".allow"]; given && len(t.Allow) == 0 && !c.failed(at+".allow") {
			c.src.fail(at+".allow", "is empty: no call could come in", "write the PBX's addresses, as [192.0.2.7]")
		}
		for j, s := range t.Allow {
			if other, taken := sources[s]; taken && s.Prefix.IsValid() {
				c.src.fail(fmt.Sprintf("%s.allow[%d]", at, j), fmt.Sprintf("%s belongs to trunk %q already", s, other),
					"take one out: a call's source must tell its trunk")
				continue
			}
			sources[s] = t.Name
		}
		checkTrunkPassword(c.src, at, t)
		checkCodecs(c.src, at+".codecs", t.Codecs, t.Codecs != nil)
	}
}

func (c *Config) failed(path string) bool {
	for _, e := range c.src.errs {
		if strings.HasPrefix(e.Path, path) {
			return true
		}
	}
	return false
}

func (c *Config) checkPlans() {
	seen := map[string]int{}
	for i, p := range c.Plans {
		at := fmt.Sprintf("plans[%d]", i)
		if first, twice := seen[p.ID]; twice {
			c.src.fail(at+".id", fmt.Sprintf("plans[%d] has the id %q already", first, p.ID), "write another id")
		}
		seen[p.ID] = i
		checkPlan(c.src, at, p)
	}
	if _, known := c.Plan(c.DefaultPlan); !known {
		c.src.fail("default_plan", fmt.Sprintf("there is no plan %q", c.DefaultPlan), "write "+oneOf(c.planIDs()))
	}
}

// checkPlan reports what the tariff room finds wrong, at the place of its key; where the decoder refused the value
// already, that error stands alone.
func checkPlan(s *source, at string, p tariff.Plan) {
	failed := map[string]bool{}
	for _, e := range s.errs {
		failed[e.Path] = true
	}
	for _, problem := range p.Validate() {
		if path := join(at, problem.Field); !failed[path] {
			s.fail(path, problem.Wrong, problem.Write)
		}
	}
}

func (c *Config) planIDs() []string {
	ids := []string{"default"}
	for _, p := range c.Plans {
		if p.ID != "default" {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// warnReadable warns where a file that holds passwords may be read by everybody.
func warnReadable(s *source) {
	if info, err := os.Stat(s.file); s.inline && err == nil && info.Mode().Perm()&0o004 != 0 {
		s.warn("", "the file holds passwords and everybody on this machine may read it",
			"run chmod 600 "+s.file+", or use password_file")
	}
}
