package peers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// pretends has the page be told that the service is otherwise than it is, by parts of what the server answers; and look at once.
func (p *tab) pretends(service string) {
	p.s.t.Helper()
	p.answers(`async () => { const res = await real(url, options); return new Response(JSON.stringify({ ...await res.json(), ...` + service + ` })); }`)
}

// answers has what the page asks of the service be answered by a function, and has it look at once.
func (p *tab) answers(js string) {
	p.s.t.Helper()
	p.do("have the page told", chromedp.Evaluate[chromedp.Void](`{
		const real = window.real ||= window.fetch;
		window.fetch = (url, options) => url.endsWith("/service") ? (`+js+`)() : real(url, options);
		document.dispatchEvent(new Event("visibilitychange"));
	}`))
}

func TestThePortalSaysWhatBecomesOfCallsByEachNumber(t *testing.T) {
	s := small(t, "    service: when_away")
	page := s.portal(s.reads("acme", "referrals:write"))
	page.shows("Ni svarar själva", "Från och med nästa samtal svarar vi åt er")
	const (
		always = `mode: "always", turn: "service", otherwise: { turn: "service" }, closed: "prompt", `
		number = `closed: "prompt", turn: "own", otherwise: { turn: "service" }, `
	)
	page.pretends(`{ ` + always + `common_numbers: [{ name: "Support", number: "+4684000002", ` + number + `}] }`)
	page.shows("Från och med nästa samtal svarar vi på Support.", "På era andra nummer märks det inte just nu")
	page.pretends(`{ ` + always + `common_numbers: [{ name: "Support", number: "+4684000002", turn: "own", otherwise: { turn: "closed" }, closed: "busy" }] }`)
	page.shows("på Support svarar inte heller vi just nu. Den som ringer får upptagetton.")
	page.hides("Från och med nästa samtal")
	page.pretends(`{ away: true, ` + always + `common_numbers: [{ name: "Support", number: "+4684000002", turn: "service", otherwise: { turn: "own" } }] }`)
	page.shows("Då ringer det hos er på Support från och med nästa samtal")

	page.pretends(`{ turn: "own", otherwise: { turn: "closed" }, closed: "forward" }`)
	page.shows("Obs: just nu svarar inte heller vi. Den som ringer kopplas till ett annat nummer.")
	page.hides("får höra att det är stängt")
	page.pretends(`{ mode: "always", turn: "service", own_too: true, switch_matters: false }`)
	page.shows("Vi och ni svarar", "era egna telefonister som är inloggade", "Är ingen av era egna telefonister inloggad")
	page.hides("Vi svarar på alla era samtal")

	page.do("make it a telephone", chromedp.EmulateViewport(360, 740))
	page.pretends(`{ common_numbers: Array.from({ length: 200 }, (_, i) => ({ name: "Nummer " + i, number: "+468400" + (1000 + i), ` + number + `turn: "service" })) }`)
	page.await("200 numbers", `document.querySelectorAll(".numbers li").length === 200`)
	page.await("nothing to stick out", `innerWidth === 360 && document.documentElement.scrollWidth <= 360`)
	page.await("the switch to be before them", `document.querySelector("[data-do=away]").getBoundingClientRect().bottom < document.querySelector(".numbers").getBoundingClientRect().top`)
}

func TestThePortalMarksTodayWhereItsHoursStand(t *testing.T) {
	s := small(t, "    service: when_away\n    hours: {mon-sun: \"00:00-24:00\", holidays: \"00:00-24:00\"}\n    pool_hours: {mon-sun: \"08:00-17:00\", holidays: \"08:00-17:00\", \""+noon(0).Format("2006-01-02")+"\": closed}")
	page := s.portal(s.reads("acme", "referrals:write"))
	page.shows("Ni svarar själva", "Vi kan svara")
	page.await("today to be marked where the service's hours differ", `document.querySelectorAll(".exceptions [aria-current=date]").length === 1 && !document.querySelector(".week [aria-current=date]")`)
	page.pretends(`{ closed: "answer" }`)
	page.shows("När det annars hade varit stängt svarar vi ändå")
	page.hides("Vi kan svara")
}

func TestAPortalNeverShowsWhatIsOldAsNew(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}})
	page := s.portal(s.reads("acme"))
	page.shows("Vi svarar åt er", "Att säga till när ni är borta behövs inte")
	page.answers(`async () => new Response("<html>Log in to this network</html>")`)
	page.shows("Kontakten med servern är bruten. Det som visas är från")
	page.pretends(`{}`)
	page.hides("Det som visas är från")
	page.do("sleep for an hour", chromedp.Evaluate[chromedp.Void](`{ const now = Date.now; Date.now = () => now() + 36e5; }`))
	page.answers(`() => new Promise(() => {})`)
	page.shows("Det som visas är från")
	page.pretends(`{}`)
	page.hides("Det som visas är från")
	s.kill()
	page.shows("Kontakten med servern är bruten")
}

func TestAPortalFollowsAConfigurationThatIsReadAgain(t *testing.T) {
	s := small(t, "    service: when_away")
	page := s.portal(s.reads("acme", "referrals:write"))
	page.shows("Ni svarar själva", "Är ni borta?")
	with, err := os.ReadFile(filepath.Join(s.dir, "tenants.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	alone := strings.NewReplacer("when_away", "always", own, "").Replace(string(with))
	s.write("tenants.yaml", alone)
	s.hangup("configuration read again")
	page.shows("Vi svarar åt er", "Att säga till när ni är borta behövs inte")
	s.write("tenants.yaml", strings.Replace(alone, "id: acme", "id: another", 1))
	s.hangup("configuration read again")
	page.shows("Din token är inte längre till för något företag här")
	s.write("tenants.yaml", string(with))
	s.hangup("configuration read again")
	page.shows("Ni svarar själva", "Är ni borta?")
}
