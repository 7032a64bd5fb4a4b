package peers

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// holding keeps what is searched for from the server until the test lets it go, and notes what is asked for.
const holding = `{
  const ask = window.fetch;
  window.asked = [];
  window.held = [];
  window.fetch = (url, options) => {
    if (options?.method === "POST") window.asked.push(url + " " + options.body);
    if (!url.includes("/search?")) return ask(url, options);
    return new Promise((go, no) => window.held.push({ url, go: () => go(ask(url, options)), fail: () => no(new TypeError("lost")) }));
  };
}`

// hold makes searches wait.
func (p *tab) hold() {
	p.s.t.Helper()
	p.do("hold searches", chromedp.Evaluate[chromedp.Void](holding))
}

// lets ends the searches that wait, once there is one for all that was typed: they "go", or "fail".
func (p *tab) lets(way string) {
	p.s.t.Helper()
	p.await("a search", `window.held.some((search) => (search.url + "&").includes("&q=" + encodeURIComponent(document.activeElement.value) + "&"))`)
	p.do("let it "+way, chromedp.Evaluate[chromedp.Void](`window.held.splice(0).forEach((search) => search.`+way+`())`))
}

// asked waits until the page has asked for so many things, and for no more.
func (p *tab) asked(n int) {
	p.s.t.Helper()
	p.await("what is asked for", "window.asked.length >= "+string(rune('0'+n)))
	if more, err := p.is("window.asked.length > " + string(rune('0'+n))); more || err != nil {
		text, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](`window.asked.join("\n")`))
		p.s.t.Errorf("the page asked for more than %d: %s (%v)", n, text, err)
	}
}

// chooses makes a choice in a list.
func (p *tab) chooses(selector, value string) {
	p.s.t.Helper()
	field := `document.querySelector("` + selector + `")`
	p.await(value+" in "+selector, `[...(`+field+`?.options || [])].some((o) => o.value === "`+value+`")`)
	p.do("choose "+value, chromedp.Evaluate[chromedp.Void](`{ const field = `+field+`; field.value = "`+value+`"; field.dispatchEvent(new Event("change")); }`))
}

// person enters somebody into a tenant's directory.
func (s *server) person(tenant, given, family, extension string) {
	s.t.Helper()
	s.tells(s.token("--tenant", tenant, "--scope", "directory:write"), "POST", "/tenants/"+tenant+"/people",
		`{"given_name":"`+given+`","family_name":"`+family+`","title":"Säljare","numbers":[{"kind":"extension","number":"`+extension+`"}]}`)
}

func TestWhatIsFoundAfterEnterIsCalledAtOnceOnlyWhereItWasMeant(t *testing.T) {
	s, alice, anna, _, page := called(t, setup{})
	s.cli("agents", "login", "bo", "--config", s.config)
	s.person("acme", "Bo", "Ek", "206")
	s.person("acme", "Bertil", "Alm", "205")
	target := s.wanted()
	page.hold()
	page.focused("whom")
	page.types("bo") // a person; when the search fails, a colleague of that name is left
	page.key("connect", kb.Enter)
	page.lets("fail")
	page.shows("Sökningen svarar inte", "Är det rätt?")
	page.hit(kb.Escape)
	page.types("bertli")
	page.key("connect", kb.Enter)
	page.lets("go")
	page.shows("Bertil Alm", "Är det rätt?")
	page.hit(kb.Escape)
	page.types("bertil")
	page.key("connect", kb.Enter)
	page.do("let time pass", chromedp.Evaluate[chromedp.Void](`{ const later = performance.now() + 5000; performance.now = () => later; }`))
	page.lets("go")
	page.shows("Bertil Alm", "Är det rätt?")
	page.asked(0)
	page.hit(kb.Escape)
	page.types("bertil")
	page.key("connect", kb.Enter)
	page.lets("go")
	target.event("CALL_ESTABLISHED")
	anna.event("CALL_CLOSED")
	page.asked(1)
	alice.do("hangup", "")
	target.event("CALL_CLOSED")
	s.wantStory(s.awaitCalls(1)[0].CallID, "connecting", "mediated", "direct")
}

func TestAPersonOfOneCompanyIsNotCalledForAnother(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, sip: ", digest: md5", tenants: "  - {id: beta, name: Beta AB, number: \"+46850000002\", trunk: pbx}"})
	anna := s.softphone(softphone{name: "anna", from: "21", says: sine(700, time.Minute), register: true})
	s.awaitAgents(1, "available")
	s.person("acme", "Berit", "Alm", "206")
	s.person("beta", "Berit", "Berg", "205")
	target := s.wanted()
	page := s.console(s.works("anna"))
	page.shows("Ledig")
	page.hold()
	page.hit(kb.F2, shift)
	page.focused("dial")
	page.types("säljare")
	page.lets("go")
	page.shows("Berit Alm")
	page.chooses("#dial-tenant", "beta")
	page.hit(kb.Enter)
	page.hides("Berit Alm")
	page.lets("go")
	page.shows("Berit Berg", "Är det rätt?")
	page.asked(0)
	page.hit(kb.Enter)
	anna.event("CALL_ESTABLISHED")
	target.event("CALL_ESTABLISHED")
	page.asked(1)
	page.shows("Till 205", "I samtal")
	page.key("end", kb.F10)
	target.event("CALL_CLOSED")
	s.awaitCalls(1)
}
