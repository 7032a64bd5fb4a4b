package peers

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const shift = chromedp.ModifierShift

// called is an office whose Anna has the caller and her console open. Bo is logged out.
func called(t *testing.T, set setup) (s *server, alice, anna, bo *baresip, page *tab) {
	t.Helper()
	s, alice, anna, bo = office(t, set)
	s.cli("agents", "logout", "bo", "--config", s.config)
	page = s.console(s.works("anna"))
	page.shows("Acme AB", "Från 070-174 06 05", "I samtal")
	return s, alice, anna, bo, page
}

// wanted is the softphone of extension 205.
func (s *server) wanted() *baresip {
	return s.softphone(softphone{name: "205", from: "10", port: 5080, says: sine(1300, time.Minute)})
}

func TestTheConsoleIsSignedInToByATokenInBothLanguages(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{more: `  - {id: anna, name: "<script>document.title = 'owned'</script>", extension: "101", kind: service, password: anna-secret, wrap_up: 0s}` + "\n"})
	page := s.console("tfn_0011223344556677_no")
	page.shows("Token gäller inte", "telefonist tokens create --agent anna")
	page.focus("#token")
	page.do("clear the field", chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	page.types(s.works("anna") + "\r")
	page.shows("<script>document.title = 'owned'</script>", "ankn. 101", "Telefonen är inte ansluten", "Starta den")
	s.cli("live", "note", "<img src=x onerror=alert(1)>", "--config", s.config)
	page.shows("<img src=x onerror=alert(1)>")

	page.press("language")
	page.shows("Phone not connected", "Start it")
	page.do("reload", chromedp.Reload())
	page.shows("Phone not connected")
	page.hit(kb.F1)
	page.shows("Hold and resume")
	page.hit(kb.Escape)
	page.hides("Hold and resume")
	page.do("ask for help", chromedp.KeyEvent("?"))
	page.shows("Hold and resume")
}

func TestAReceptionistSaysHowSheIsOnTheConsole(t *testing.T) {
	s := oneAgent(t, setup{})
	page := s.console(s.works("anna"))
	page.shows("Ledig", "Telefonen är ansluten", "Ingen väntar")
	page.await("since when to go by the server's clock", `/^0:\d\d$/.test(document.querySelector(".state .since").textContent)`)
	page.key("state", kb.F9)
	page.shows("Paus eller logga ut")
	page.types("1")
	s.awaitAgents(1, "paused")
	page.shows("Paus: lunch")
	page.key("available", kb.F9)
	s.awaitAgents(1, "available")
	page.shows("Ledig")
	page.hit(kb.F9, shift)
	page.press("pause-meeting")
	page.shows("Paus: möte")
	page.press("logout")
	s.awaitAgents(1, "offline")
	page.shows("Utloggad", "Inga samtal kommer förrän du loggar in")
	page.key("login", kb.F9)
	s.awaitAgents(1, "available")

	page.do("open three streams more", chromedp.Evaluate[chromedp.Void](`window.open3 = [1, 2, 3].map(() => fetch("/api/v1/live/stream"))`))
	page.await("them to be open", `Promise.all(window.open3).then(() => { window.opened = true; }) && window.opened`)
	second := page.another()
	second.shows("För många fönster är öppna")
	page.do("close them", chromedp.Reload())
	second.shows("Kontakten är tillbaka")
	page.shows("Ledig")
	page.press("signout")
	page.shows("Du har lämnat sidan men är kvar i växeln")
	second.focused("token")
	s.awaitAgents(1, "available") // leaving the page changes nothing
}

func TestThePhoneAnswersByItselfWhenTheConsoleSaysSo(t *testing.T) {
	s := oneAgent(t, setup{})
	page := s.console(s.works("anna"))
	page.shows("Ledig")
	phone := s.phone("phone-console", "21", play{calls: 2})
	call := s.dial("trunk-call", play{pause: 2 * time.Second})
	page.shows("Det ringer", "Acme AB", "Försäljning")
	page.await("the title to say so", `document.title.startsWith("☎")`)
	page.key("answer", kb.F2)
	page.shows("I samtal")
	page.focused("whom")
	call.wait()
	phone.wait()
	page.shows("Ledig")
	s.wantStory(s.awaitCalls(1)[0].CallID, "answered", "anna", "ended")
}

// What is pressed at the instant that a call comes into view was meant for what was there before.
const pressing = `new Promise((told) => {
  let declined = false, shown = 0;
  const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key }));
  const watch = setInterval(() => {
    const phase = document.querySelector("#call").dataset.phase;
    if (phase !== "none" && !declined) { declined = true; press("F10"); }
    press("1"); // she types on
    if (document.activeElement.id === "whom") told("stolen");
    else if (phase === "talking" && ++shown > 40) told("kept");
    else return;
    clearInterval(watch);
  }, 30);
})`

func TestACallThatComesIntoViewTakesNoKeysThatWereMeantForAnother(t *testing.T) {
	s := oneAgent(t, setup{})
	page := s.console(s.works("anna"))
	page.shows("Ledig")
	phone := s.phone("phone-answer", "21", play{})
	call := s.dial("trunk-call", play{pause: 4 * time.Second})
	ctx, cancel := context.WithTimeout(page.ctx, patience)
	defer cancel()
	if focus, err := chromedp.Run(ctx, chromedp.Evaluate[string](pressing, chromedp.EvalAwaitPromise)); err != nil || focus != "kept" {
		t.Errorf("the focus is %s while she types (%v)", focus, err)
	}
	page.focused("whom") // when she pauses
	call.wait()
	phone.wait()
	c := s.awaitCalls(1)[0]
	s.wantStory(c.CallID, "offered", "answered", "ended")
	if text := s.cli("calls", "show", c.CallID, "--store", s.dir+"/data"); strings.Contains(text, "missed") {
		t.Errorf("the key of the call before declined this one:\n%s", text)
	}
}

func TestAReceptionistIsReadyBeforeHerWrapUpIsOver(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{more: `  - {id: anna, name: Anna, extension: "101", kind: service, password: anna-secret, wrap_up: 5m}` + "\n"})
	s.register("anna", "21")
	s.awaitAgents(1, "available")
	page := s.console(s.works("anna"))
	page.shows("Ledig")
	phone := s.phone("phone-console", "21", play{calls: 2})
	call := s.dial("trunk-call", play{pause: time.Second})
	page.shows("Det ringer")
	page.key("answer", kb.F2)
	call.wait()
	phone.wait()
	page.shows("Efterarbete", "Klar")
	page.key("available", kb.F9)
	page.shows("Ledig")
	s.awaitAgents(1, "available")
}

func TestAReceptionistAnnouncesOnTheConsole(t *testing.T) {
	s, alice, anna, _, page := called(t, setup{})
	target := s.wanted()
	page.focused("whom")
	page.types("205")
	page.key("announce", kb.Enter, shift)
	target.event("CALL_ESTABLISHED")
	page.shows("Du talar med 205")
	page.do("make it a telephone", chromedp.EmulateViewport(360, 740))
	page.await("nothing to stick out", `innerWidth === 360 && document.documentElement.scrollWidth <= 360`)
	page.do("make it a wide screen", chromedp.EmulateViewport(2560, 1300))
	page.key("swap", kb.F3)
	page.shows("Du talar med uppringaren")
	alice.awaitTones(400, 700)
	page.key("join", kb.F3, shift)
	page.shows("Alla tre hör varandra")
	page.key("take_back", kb.Escape)
	target.event("CALL_CLOSED")
	page.focused("whom")
	page.types("205")
	page.key("announce", kb.Enter, shift)
	target.event("CALL_ESTABLISHED")
	page.shows("Du talar med 205")
	page.key("complete", kb.F8)
	anna.event("CALL_CLOSED")
	page.shows("Ledig")
	target.awaitTones(1300, 400)
	alice.do("hangup", "")
	target.event("CALL_CLOSED")
	c := s.awaitCalls(1)[0]
	if !c.Mediated {
		t.Errorf("record %+v", c)
	}
	s.wantStory(c.CallID, "consult", "reached", "swapped", "joined", "taken_back", "consult", "reached", "mediated", "announced")
}

func TestACallerIsHeldParkedAndHandedBackOnTheConsole(t *testing.T) {
	s, alice, anna, bo, page := called(t, setup{})
	second := page.another()
	second.shows("I samtal")
	page.enabled("hold")
	page.do("press the key twice at once", chromedp.Evaluate[chromedp.Void](`[1, 2].forEach(() => document.dispatchEvent(new KeyboardEvent("keydown", { key: "F4" })))`))
	page.shows("Väntkopplad")
	second.shows("Väntkopplad")
	page.key("resume", kb.F4)
	second.hides("Väntkopplad")
	page.key("park", kb.F7)
	page.shows("Parkerad på plats 1")
	anna.event("CALL_CLOSED")
	second.key("pickup", kb.F7, shift)
	anna.event("CALL_ESTABLISHED")
	page.shows("I samtal")
	alice.awaitTones(400, 700)
	s.cli("agents", "login", "bo", "--config", s.config)
	s.cli("agents", "pause", "anna", "--config", s.config)
	page.key("hand_back", kb.F8, shift)
	bo.event("CALL_ESTABLISHED")
	page.shows("Paus: annat")
	his := s.console(s.works("bo"))
	his.focused("whom")
	his.types("anna")
	his.key("announce", kb.Enter, shift)
	his.shows("Kollegan är inte ledig") // Anna's pause
	his.key("end", kb.F10)
	bo.event("CALL_CLOSED")
	his.shows("Ledig")
	s.wantStory(s.awaitCalls(1)[0].CallID, "held", "resumed", "parked", "picked_up", "anna", "handed_back", "answered", "bo", "ended")
}

func TestACallerComesBackWithTheReasonAndHowTheWantedPersonIsNow(t *testing.T) {
	s, alice, anna, _, page := called(t, setup{})
	directory := s.token("--tenant", "acme", "--scope", "directory:write,referrals:write,webhook")
	s.tells(directory, "POST", "/tenants/acme/people", `{"given_name":"Bertil","family_name":"<b>Alm</b>","title":"Säljare","numbers":[{"kind":"extension","number":"205"}]}`)
	s.tells(directory, "POST", "/tenants/acme/webhooks/referral", `{"extension":"205","code":"lunch"}`)
	busy := s.target("target-busy", 0)
	page.focused("whom")
	page.types("bertil")
	page.shows("Bertil <b>Alm</b>", "Säljare", "på lunch, åter")
	page.key("connect", kb.Enter)
	page.shows("Bertil <b>Alm</b> ska inte kopplas", "Tryck Enter igen")
	page.hit(kb.Enter)
	busy.wait()
	page.shows("Åter från Bertil <b>Alm</b>: upptaget", "Just nu: på lunch")
	anna.awaitTones(700, 400)
	target := s.wanted()
	page.focused("whom")
	page.types("205")
	page.key("connect", kb.Enter)
	target.event("CALL_ESTABLISHED")
	anna.event("CALL_CLOSED")
	page.shows("Ledig")
	alice.do("hangup", "")
	target.event("CALL_CLOSED")
	s.wantStory(s.awaitCalls(1)[0].CallID, "connecting", "recalled", "busy", "connecting", "mediated", "direct")
}

func TestAConnectionThatStillRingsIsTakenBackOnTheConsole(t *testing.T) {
	s, alice, anna, _, page := called(t, setup{})
	s.softphone(softphone{name: "205", from: "10", port: 5080, says: silence(time.Second), manual: true})
	page.focused("whom")
	page.types("205")
	page.key("connect", kb.Enter)
	page.shows("Kopplar till 205: ringer")
	page.key("take_back", kb.Escape)
	page.focused("whom")
	page.types("999999")
	page.key("connect", kb.Enter)
	page.shows("Dit går det inte att ringa")
	page.hit(kb.Escape)
	page.hides("Dit går det inte att ringa")
	anna.do("hangup", "")
	alice.event("CALL_CLOSED")
	page.shows("Ledig")
}

func TestAReceptionistCallsOutOnTheConsole(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}, sip: ", digest: md5"})
	anna := s.softphone(softphone{name: "anna", from: "21", says: sine(700, time.Minute), register: true})
	s.awaitAgents(1, "available")
	page := s.console(s.works("anna"))
	page.shows("Ledig")
	target := s.wanted()
	page.hit(kb.F2, shift)
	page.focused("dial")
	page.types("205")
	page.key("call", kb.Enter)
	anna.event("CALL_ESTABLISHED")
	target.event("CALL_ESTABLISHED")
	page.shows("Till 205", "I samtal")
	page.key("end", kb.F10)
	target.event("CALL_CLOSED")
	page.shows("Ledig")
	if c := s.awaitCalls(1)[0]; c.Outcome != "reached" {
		t.Errorf("record %+v", c)
	}
}

func TestAConsoleThatLosesTheServerSaysSoAndComesBack(t *testing.T) {
	s := oneAgent(t, setup{})
	token := s.works("anna")
	page := s.console(token)
	page.shows("Ledig")
	s.kill()
	page.shows("Kontakten med servern är bruten")
	if can, err := page.is(enabled("state")); err != nil || can {
		t.Errorf("a button can be pressed while the server is gone (%v)", err)
	}
	s.start()
	page.shows("Kontakten är tillbaka")
	page.enabled("state")
	page.hides("bruten")
	id, _, _ := strings.Cut(strings.TrimPrefix(token, "tfn_"), "_")
	s.cli("tokens", "revoke", id, "--config", s.config)
	page.shows("Din token gäller inte längre")
}
