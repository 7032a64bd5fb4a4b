package peers

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"telefonist/calendar"
)

// portal opens a tenant's own page in a browser of its own and signs in.
func (s *server) portal(token string) *tab { s.t.Helper(); return s.opens("/portal/", token) }

// reads is a token of a tenant that may see its page, and with more rights set the switch.
func (s *server) reads(tenant string, more ...string) string {
	s.t.Helper()
	return s.token("--tenant", tenant, "--scope", strings.Join(append([]string{"directory:read"}, more...), ","))
}

// small is a company with a receptionist of its own, and one of the pool.
func small(t *testing.T, tenants string) *server {
	t.Helper()
	t.Parallel()
	return newServer(t, setup{agents: []string{"anna"}, tenants: tenants, more: own, sip: ", digest: md5"})
}

// answers has a call come in and tells who answered it.
func (s *server) answers(n int) string {
	s.t.Helper()
	s.dial("trunk-call", play{pause: time.Second}).wait()
	for _, c := range s.awaitCalls(n) {
		if c.Outcome != "answered" {
			s.t.Errorf("record %+v", c)
		}
	}
	story := s.calls()
	return story[len(story)-1].Agent
}

func TestThePortalSendsTheNextCallToThePoolAndBack(t *testing.T) {
	s := small(t, "    service: when_away")
	s.register("anna", "21")
	s.register("olle", "31")
	s.awaitAgents(2, "available")
	page := s.portal(s.reads("acme", "referrals:write"))
	page.shows("Acme AB", "08-5000 00 01", "Ni svarar själva", "Vi svarar bara när ni har sagt att ni är borta")
	second := page.another()
	second.shows("Ni svarar själva")

	page.press("away")
	page.shows("Vi svarar åt er", "Ni är borta")
	anna := s.phone("phone-answer", "21", play{})
	if who := s.answers(1); who != "anna" {
		t.Errorf("while they are away, %s answers", who)
	}
	anna.wait()
	second.shows("Ni är borta") // by itself

	page.press("back")
	page.shows("Ni svarar själva", "Är ni borta?")
	s.awaitAgents(2, "available")
	olle := s.phone("phone-answer", "31", play{})
	if who := s.answers(2); who != "olle" {
		t.Errorf("when they are back, %s answers", who)
	}
	olle.wait()
}

// noon is noon in Stockholm n days from today, so that no test depends on the time of day at which it runs.
func noon(days int) time.Time {
	return calendar.DateOf(time.Now()).AddDays(days).On(calendar.At(12, 0))
}

func TestThePortalShowsUntilWhenTheyAreAwayAndKeepsIt(t *testing.T) {
	s := small(t, "    service: with_own")
	page := s.portal(s.reads("acme", "directory:write"))
	page.shows("Ni svarar först, sedan vi", "det är alltid öppet")
	tomorrow := noon(1)
	page.shows("Borta till") // a choice is made already
	page.click(`document.querySelector("#until-further")`)
	page.shows("Borta tills vidare.", "Kom ihåg att slå om")
	page.click(`document.querySelector("#until-chosen")`)
	page.fills("until-date", noon(-1).Format(time.DateOnly))
	page.shows("Den tiden har redan varit")
	if can, err := page.is(enabled("away")); err != nil || can {
		t.Errorf("a time that is past can be asked for (%v)", err)
	}
	page.fills("until-date", tomorrow.Format(time.DateOnly))
	page.fills("until-time", "12:00")
	sentence := "Borta till " + swedish(tomorrow) + " kl. 12.00."
	page.shows(sentence, "Sedan gäller det vanliga igen, av sig självt", "Från och med nästa samtal svarar vi åt er")
	page.press("away")
	page.shows("Ni är borta", "Vi svarar åt er till i morgon kl. 12.00", "Därefter svarar ni först, sedan vi.", swedish(tomorrow)+" kl. 12.00", "Konsol, på webben")
	if text := s.cli("tenants", "show", "acme", "--config", s.config); !strings.Contains(text, "12:00") {
		t.Errorf("the switch is not kept:\n%s", text)
	}
	page.do("reload", chromedp.Reload())
	page.shows("Ni är borta", swedish(tomorrow)+" kl. 12.00")

	page.press("change")
	page.click(`document.querySelector("#until-further")`)
	page.shows("Borta tills vidare.")
	page.press("away")
	page.shows("Tills\nnågon slår om")
	page.press("back")
	page.shows("Är ni borta?")
}

var (
	swedishDays   = []string{"söndag", "måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag"}
	swedishMonths = []string{"januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober", "november", "december"}
)

// swedish writes a day as the page does.
func swedish(at time.Time) string {
	text := swedishDays[at.Weekday()] + at.Format(" 2 ") + swedishMonths[at.Month()-1]
	if at.Year() != time.Now().In(calendar.Stockholm()).Year() {
		text += at.Format(" 2006")
	}
	return text
}

// fills writes into a field of a date or a time, as the browser's own chooser does.
func (p *tab) fills(id, value string) {
	p.s.t.Helper()
	p.await(id, `document.getElementById("`+id+`")`)
	p.do("fill in "+id, chromedp.Evaluate[chromedp.Void](`{ const f = document.getElementById("`+id+`"); f.value = "`+value+`"; f.dispatchEvent(new Event("input")); }`))
}

func TestThePortalFollowsAPhoneAndAProgramAndIsForOwnReceptionistsToo(t *testing.T) {
	s := small(t, "    service: overflow")
	olle := s.softphone(softphone{name: "olle", from: "31", says: silence(time.Second), register: true})
	s.awaitAgents(1, "available")
	token := s.works("olle")
	page := s.portal(token)
	page.shows("Acme AB", "Är ni borta?", "Konsolen")
	olle.do("dial", "sip:*21@"+s.net+"1")
	page.shows("Ni är borta", "Olle, i telefonen", "någon slår om")
	s.tells(s.reads("acme", "referrals:write"), "PUT", "/tenants/acme/service", `{"away":false}`)
	page.shows("Är ni borta?")
	s.cli("tenants", "away", "acme", "--config", s.config)
	page.shows("Ni är borta", "den som sköter servern")
	page.press("back")
	page.shows("Är ni borta?")
	page.press("away")
	page.shows("Olle, på webben")

	desk := s.console(token)
	desk.shows("Olle", "ankn. 301", "Mina sidor")
}

func TestAPortalIsOnlyForWhoMaySeeIt(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, tenants: "    service: when_away\n  - {id: beta, name: \"Beta <b>AB</b>\", number: \"+46850000002\", trunk: pbx}", more: own})
	page := s.portal("tfn_0011223344556677_no")
	page.shows("Token gäller inte", "telefonist tokens create --tenant acme")
	page.focus("#token")
	page.do("clear the field", chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	read := s.reads("acme")
	page.types(read + "\r")
	page.shows("Acme AB", "Ni svarar själva", "Är ni borta?", "Din token får se men inte slå om", "referrals:write")
	if may, err := page.is(`document.querySelector('[data-do="away"], [data-do="back"], input')`); may || err != nil {
		t.Errorf("a token that may only read is offered a control (%v)", err)
	}
	s.cli("tenants", "away", "acme", "--config", s.config)
	page.shows("Ni är borta", "Vi svarar åt er")
	page.await("another company's to be unknown", `fetch("/api/v1/tenants/beta/service").then((r) => { window.beta = r.status; }) && window.beta === 404`)

	beta := s.portal(s.reads("beta", "referrals:write"))
	beta.shows("Beta <b>AB</b>", "Vi svarar åt er", "Att säga till när ni är borta behövs inte", "inga egna telefonister")
	beta.hides("Acme")
	if may, err := beta.is(`document.querySelector('[data-do="away"], [data-do="back"]')`); may || err != nil {
		t.Errorf("a control that changes nothing is offered (%v)", err)
	}

	ours := s.portal(s.works("anna"))
	ours.shows("Din token är till för telefonister och arbetsledare")
	ours.await("the way to the console", `document.querySelector('a[href="/console/"]')`)
	theirs := s.console(read)
	theirs.shows("Din token är till för ett företags egen sida")
	theirs.click(`document.querySelector('a[href="/portal/"]')`)
	theirs.shows("Acme AB", "Ni är borta") // by the same cookie
	theirs.press("signout")
	theirs.shows("Du har lämnat sidan")

	id, _, _ := strings.Cut(strings.TrimPrefix(read, "tfn_"), "_")
	s.cli("tokens", "revoke", id, "--config", s.config)
	page.shows("Din token gäller inte längre")
}

func TestThePortalIsUsedByKeysAloneInBothLanguagesOnASmallTelephone(t *testing.T) {
	s := small(t, "    service: when_away\n    hours: {mon-sun: \"00:00-03:59 04:00-24:00\", holidays: \"00:00-03:59 04:00-24:00\", \""+noon(2).Format(time.DateOnly)+"\": closed}\n    pool_hours: {mon-sun: \"00:00-03:59 04:00-24:00\", holidays: \"00:00-24:00\"}")
	page := s.portal(s.reads("acme", "referrals:write"))
	narrow := `innerWidth === 360 && document.documentElement.scrollWidth <= 360`
	page.do("make it a telephone", chromedp.EmulateViewport(360, 740))
	page.shows("Måndag", "00.00–03.59", "stängt 03.59–04.00", "Helgdagar", "i dag", swedish(noon(2))[1:])
	page.await("nothing to stick out", narrow)
	page.await("today to be marked, once", `document.querySelectorAll("[aria-current=date]").length === 1`)
	page.press("language")
	page.shows("Are you away?", "You answer yourselves", "Opening hours", "Monday")
	page.await("the page to say which language it is in", `document.documentElement.lang === "en"`)

	page.tabsTo("input[name=until]")
	page.hit(kb.ArrowUp)
	for range 6 {
		if further, _ := page.is(`document.activeElement.id === "until-further"`); further {
			break
		}
		page.hit(kb.ArrowDown)
	}
	page.shows("Away until further notice.")
	page.tabsTo("[data-do=away]")
	page.hit(kb.Enter)
	page.shows("You are away", "We answer for you")
	page.await("the focus at what has changed", `document.activeElement.id === "switch-title"`)
	page.await("nothing to stick out", narrow)
	page.tabsTo("[data-do=back]")
	page.hit(kb.Enter)
	page.shows("Are you away?")
}

// tabsTo presses the tab key until an element has the focus.
func (p *tab) tabsTo(selector string) {
	p.s.t.Helper()
	p.await(selector, `document.querySelector("`+selector+`")`)
	for range 30 {
		p.hit(kb.Tab)
		if there, _ := p.is(`document.activeElement.matches("` + selector + `")`); there {
			return
		}
	}
	p.s.t.Fatalf("%s cannot be reached by the tab key", selector)
}

func TestAPortalAsksForTheSwitchOnceAndSaysWhatWentWrong(t *testing.T) {
	s := small(t, "    service: when_away")
	page := s.portal(s.reads("acme", "referrals:write"))
	page.enabled("away")
	page.do("hold what is asked for", chromedp.Evaluate[chromedp.Void](`{
		const ask = window.fetch;
		window.asked = [];
		window.held = [];
		window.fetch = (url, options) => {
			if (options?.method !== "PUT") return ask(url, options);
			window.asked.push(options.body);
			return new Promise((go, no) => window.held.push({ go: () => go(ask(url, options)), fail: () => no(new TypeError("lost")), refuse: (status) => go(new Response("{}", { status })) }));
		};
	}`))
	page.do("press twice", chromedp.Evaluate[chromedp.Void](`for (let i = 0; i < 2; i++) document.querySelector("[data-do=away]").click()`))
	page.shows("Slår om …")
	page.click(`document.querySelector("[data-do=away]")`)
	page.asked(1)
	page.do("lose it", chromedp.Evaluate[chromedp.Void](`window.held.pop().fail()`))
	page.shows("osäkert om det gick fram")
	for status, text := range map[string]string{"403": "Det får din token inte göra längre", "422": "Servern tog inte emot tiden", "503": "kan inte ta emot det just nu"} {
		page.press("away")
		page.await("it to be asked for", `window.held.length === 1`)
		page.do("refuse it", chromedp.Evaluate[chromedp.Void](`window.held.pop().refuse(`+status+`)`))
		page.shows(text)
	}
	page.press("away")
	page.await("it to be asked for", `window.held.length === 1`)
	page.do("let it go", chromedp.Evaluate[chromedp.Void](`window.held.pop().go()`))
	page.shows("Ni är borta")
	page.hides("kan inte ta emot")

	s.kill()
	page.shows("Kontakten med servern är bruten", "Ni är borta")
	s.start()
	page.hides("Kontakten med servern är bruten")
	page.shows("Ni är borta")
}

// timezone has the browser be in another part of the world.
func timezone(id string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: id})
		return err
	})
}

func TestThePortalTellsTimesByTheClockInStockholm(t *testing.T) {
	s := small(t, "    service: with_own\n    hours: {mon-sun: \"00:00-23:59\", holidays: \"00:00-23:59\"}")
	page := s.portal(s.reads("acme", "referrals:write"))
	page.shows("Ni svarar först, sedan vi, till kl. 23.59")
	page.do("go to Auckland", timezone("Pacific/Auckland"), chromedp.Reload())
	page.shows("Ni svarar först, sedan vi, till kl. 23.59")
	page.click(`document.querySelector("#until-opening")`)
	page.shows("Borta i dag till midnatt.")
}

// worksOut has the page's own modules work something out, as if the server had told of a company at an instant.
func (p *tab) worksOut(service, js string) string {
	p.s.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(async () => {
		const [{ state, take, serverNow }, { choices, chosen, pick }, { until, fully, awayUntil, nowText, atOnce }, { instant }] = await Promise.all(["state", "until", "words", "time"].map((m) => import("/portal/" + m + ".js")));
		take({ holidays: [], common_numbers: [], switch: {}, ...`+service+` });
		const short = (at) => (Number.isFinite(at) && at ? new Date(at).toISOString().slice(0, 16) : "-");
		return String(`+js+`).replaceAll("\u00a0", " ");
	})()`, chromedp.EvalAwaitPromise))
	if err != nil {
		p.s.t.Fatal(err)
	}
	return text
}

func TestThePortalOffersTimesThatMakeSenseAtTheInstant(t *testing.T) {
	s := small(t, "    service: when_away")
	page := s.portal(s.reads("acme"))
	page.shows("Acme AB")
	const office = `hours: { week: Object.fromEntries(["monday", "tuesday", "wednesday", "thursday", "friday"].map((d) => [d, ["13:00-17:00", "08:00-12:00"]]))`
	const always = `hours: { week: Object.fromEntries(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "holidays"].map((d) => [d, ["00:00-24:00"]])) }`
	const bar = `hours: { week: { friday: ["18:00-24:00"], saturday: ["18:00-24:00", "00:00-02:00"], sunday: ["00:00-02:00"] } }`
	const offered = `choices().map((c) => c.id + " " + short(c.at)).join(", ")`
	const rest = ", chosen -, further -"
	for _, c := range []struct{ what, service, js, want string }{
		{"before they open", `{ at: "2026-11-30T05:40:30Z", ` + office + ` } }`, offered, "hour 2026-11-30T06:41, closing 2026-11-30T16:00, opening 2026-12-01T07:00" + rest},
		{"on a Friday afternoon", `{ at: "2026-12-04T15:30:30Z", ` + office + ` } }`, offered, "hour 2026-12-04T16:31, closing 2026-12-04T16:00, opening 2026-12-07T07:00" + rest},
		{"when they have shut before Christmas", `{ at: "2026-12-23T18:00:30Z", holidays: [{ date: "2026-12-24" }, { date: "2026-12-25" }, { date: "2026-12-26" }], ` + office + ` } }`, offered,
			"hour 2026-12-23T19:01, next_closing 2026-12-28T16:00, opening 2026-12-29T07:00" + rest},
		{"before a date that differs", `{ at: "2026-11-30T18:00:30Z", ` + office + `, days: [{ date: "2026-12-01", windows: [] }, { date: "2026-12-02", windows: ["10:00-11:00"] }] } }`, offered,
			"hour 2026-11-30T19:01, next_closing 2026-12-02T10:00, opening 2026-12-03T07:00" + rest},
		{"who never shuts", `{ at: "2026-11-30T05:40:30Z", ` + always + ` }`, offered, "hour 2026-11-30T06:41, morning 2026-12-01T07:00" + rest},
		{"who is open over midnight", `{ at: "2026-12-04T22:00:30Z", ` + bar + ` }`, offered, "hour 2026-12-04T23:01, next_closing 2026-12-05T01:00, opening 2026-12-05T17:00" + rest},
		{"after that midnight", `{ at: "2026-12-05T00:00:30Z", ` + bar + ` }`, offered, "hour 2026-12-05T01:01, closing 2026-12-05T01:00, opening 2026-12-05T17:00" + rest},
		{"who never shuts, said in two parts", `{ at: "2026-11-30T05:40:30Z", ` + strings.ReplaceAll(always, `"00:00-24:00"`, `"12:00-24:00", "00:00-12:00"`) + ` }`, offered,
			"hour 2026-11-30T06:41, morning 2026-12-01T07:00" + rest},
		{"who is never open", `{ at: "2026-11-30T05:40:30Z", hours: { week: {} } }`, offered, "hour 2026-11-30T06:41, morning 2026-12-01T07:00" + rest},
		{"a choice that comes to mean another day", `{ at: "2026-11-30T15:59:59Z", ` + office + ` } }`,
			`(pick(choices().find((c) => c.id === "opening")), short(chosen()?.at)) + ", " + (take({ ...state.service, at: "2026-11-30T16:00:01Z" }), chosen()?.id)`, "2026-12-01T07:00, undefined"},
		{"before summer time", `{ at: "2027-03-27T12:00:30Z" }`, offered, "hour 2027-03-27T13:01, morning 2027-03-28T06:00" + rest},
		{"a time that is skipped", `{ at: "2027-03-27T12:00:00Z" }`, `short(instant("2027-03-28", "02:30"))`, "2027-03-28T01:30"},
		{"a time that comes twice", `{ at: "2026-10-24T12:00:00Z" }`, `short(instant("2026-10-25", "02:30"))`, "2026-10-25T00:30"},
		{"the end of a day", `{ at: "2026-11-30T12:00:00Z" }`, `short(instant("2026-12-01", "24:00"))`, "2026-12-01T23:00"},
		{"in words", `{ at: "2026-11-30T05:40:00Z" }`, `["2026-11-30T16:00Z", "2026-11-30T23:00Z", "2026-12-01T07:00Z", "2026-12-04T07:00Z", "2026-12-07T07:00Z", "2027-01-04T07:00Z"].map(until).join("; ")`,
			"kl. 17.00; midnatt; i morgon kl. 08.00; fredag kl. 08.00; måndag 7 december kl. 08.00; måndag 4 januari 2027 kl. 08.00"},
		{"as a sentence", `{ at: "2026-11-30T05:40:00Z" }`, `[Date.parse("2026-11-30T16:00Z"), Date.parse("2026-12-01T07:00Z"), null].map(awayUntil).join(" ")`,
			"Borta i dag till kl. 17.00. Borta till tisdag 1 december kl. 08.00. Borta tills vidare."},
		{"at midnight", `{ at: "2026-11-30T05:40:00Z" }`, `["2026-11-30T23:00Z", "2026-12-01T23:00Z"].map(Date.parse).map(fully).join("; ") + "; " + until("2026-12-01T23:00Z")`,
			"i dag vid midnatt; tisdag 1 december vid midnatt; i morgon vid midnatt"},
		{"after an hour in which the telephone slept", `{ at: "2026-11-30T05:40:00Z" }`, `(Date.now = ((was) => () => was() + 36e5)(Date.now), short(serverNow()))`, "2026-11-30T06:40"},
		{"who answers by the second", `{ at: "2026-11-30T16:00:00Z" }`,
			`["2026-11-30T16:00:02Z", "2026-11-30T15:59:59Z"].map((until) => nowText(atOnce({ turn: "own", until, next: "closed" }))).join("; ")`, "Ni svarar själva till kl. 17.00; Stängt"},
		{"who answers", `{ at: "2026-11-28T11:00:00Z" }`, `[{ turn: "closed", until: "2026-11-30T07:00:00Z" }, { turn: "service" }].map(nowText).join("; ")`, "Stängt till måndag kl. 08.00; Vi svarar åt er"},
	} {
		if got := page.worksOut(c.service, c.js); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}
