package peers

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// wallboard is a supervisor's console.
func (s *server) wallboard() *tab {
	s.t.Helper()
	return s.console(s.token("--scope", "calls:supervise"))
}

func TestASupervisorSteersWaitingCallsOnTheConsole(t *testing.T) {
	t.Parallel()
	// Nobody of the group is there, so calls wait though Anna is free.
	s := newServer(t, setup{agents: []string{"anna"}, tenants: "    levels: [{groups: [norr]}]", extra: "groups: {norr: Norr}", sip: ", digest: md5",
		more: "  - {id: nils, name: Nils, extension: \"131\", kind: service, groups: [norr], password: nils-secret}\n"})
	anna := s.softphone(softphone{name: "anna", from: "21", says: sine(700, time.Minute), register: true})
	s.awaitAgents(1, "available")
	target := s.wanted()
	board := s.wallboard()
	board.shows("Inga samtal")
	first := s.softphone(softphone{name: "0701740605", from: "10", says: sine(400, time.Minute)})
	first.do("dial", "sip:+46850000001@"+s.net+"1")
	board.shows("070-174 06 05")
	second := s.softphone(softphone{name: "0701740606", from: "10", port: 5062, says: sine(440, time.Minute)})
	second.do("dial", "sip:+46850000001@"+s.net+"1")
	board.shows("070-174 06 06", "2 väntar")

	board.steer("070-174 06 06")
	board.press("first")
	board.shows("Plats 1 i kön")
	board.chooses("#give-agent", "anna")
	board.press("take")
	anna.event("CALL_ESTABLISHED")
	board.steer("070-174 06 05")
	board.focus("#send-to")
	board.types("205")
	board.key("divert", kb.Enter)
	target.event("CALL_ESTABLISHED")
	board.shows("Kopplat till 205")
	board.press("end")
	target.event("CALL_CLOSED")
	board.shows("Samtalet är slut")
	board.hit(kb.Escape)
	second.do("hangup", "")
	anna.event("CALL_CLOSED")
	board.shows("Inga samtal")
	s.awaitCalls(2)
}

func TestACallGoesOnlyToWhomTheSupervisorChose(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna", "bo"}, tenants: "    levels: [{groups: [norr]}]", extra: "groups: {norr: Norr}", sip: ", digest: md5",
		more: "  - {id: nils, name: Nils, extension: \"131\", kind: service, groups: [norr], password: nils-secret}\n"})
	s.softphone(softphone{name: "anna", from: "21", says: sine(700, time.Minute), register: true})
	bo := s.softphone(softphone{name: "bo", from: "22", says: sine(1000, time.Minute), register: true})
	s.awaitAgents(2, "available")
	board := s.wallboard()
	alice := s.softphone(softphone{name: "0701740605", from: "10", says: sine(400, time.Minute)})
	alice.do("dial", "sip:+46850000001@"+s.net+"1")
	board.steer("070-174 06 05")
	off := `document.querySelector("dialog [data-do=take][aria-disabled=true]")`
	board.await("nobody to be chosen", off+` && document.querySelector("#give-agent").value === ""`)
	board.chooses("#give-agent", "anna")
	board.enabled("take")
	s.cli("agents", "pause", "anna", "--config", s.config)
	board.shows("anna är inte ledig längre")
	board.await("the choice to stay", off+` && document.querySelector("#give-agent").value === "anna"`)
	board.chooses("#give-agent", "bo")
	board.press("take")
	bo.event("CALL_ESTABLISHED")
	alice.do("hangup", "")
	bo.event("CALL_CLOSED")
	s.awaitCalls(1)
}

// steer opens what can be done with the call of a caller.
func (p *tab) steer(caller string) {
	p.s.t.Helper()
	row := `[...document.querySelectorAll("#calls li")].find((li) => li.innerText.includes("` + caller + `"))?.querySelector("button:not([aria-disabled=true])")`
	p.await("the call of "+caller, "!document.querySelector('dialog') && "+row)
	p.click(row)
	p.await("what can be done with it", `document.querySelector("dialog[open]")`)
}

func TestASupervisorSteersReceptionistsOnTheConsole(t *testing.T) {
	s, alice, anna, bo := office(t, setup{})
	page, board := s.console(s.works("anna")), s.wallboard()
	page.shows("I samtal")
	board.press("note")
	board.focus("#note-text")
	board.types("Acme stänger kl 15")
	board.press("send-note")
	page.shows("Acme stänger kl 15", "Konsol")
	board.steer("070-174 06 05")
	board.press("grant-60")
	page.shows("av 105 s")
	board.hit(kb.Escape)
	board.colleague("bo")
	board.press("pause-admin")
	page.shows("Paus: administration")
	board.press("available")
	board.hit(kb.Escape)
	board.colleague("anna")
	board.press("free")
	anna.event("CALL_CLOSED")
	bo.event("CALL_ESTABLISHED")
	page.shows("Ledig")
	alice.do("hangup", "")
	bo.event("CALL_CLOSED")
	s.wantStory(s.awaitCalls(1)[0].CallID, "granted", "relieved", "answered", "bo", "ended")
}

// colleague opens what can be done about a receptionist.
func (p *tab) colleague(id string) {
	p.s.t.Helper()
	row := `document.querySelector('[data-agent="` + id + `"] button:not([aria-disabled=true])')`
	p.await(id, "!document.querySelector('dialog') && "+row)
	p.click(row)
}

// watching notes buttons that become others. To hold and to resume are one.
const watching = `window.becameAnother = [];
new MutationObserver((all) => all.forEach((m) => m.oldValue && m.oldValue !== "hold" && m.oldValue !== "resume" && window.becameAnother.push(m.oldValue)))
  .observe(document, { subtree: true, attributes: true, attributeFilter: ["data-do"], attributeOldValue: true });`

func TestNoButtonBecomesAnotherUnderTheFingerThatIsOnIt(t *testing.T) {
	s, alice, anna, _ := office(t, setup{})
	page, board := s.console(s.works("anna")), s.wallboard()
	page.shows("I samtal")
	board.shows("070-174 06 05")
	for _, p := range []*tab{page, board} {
		p.do("watch the buttons", chromedp.Evaluate[chromedp.Void](watching))
	}
	board.steer("070-174 06 05")
	board.press("hold")
	page.shows("Väntkopplad")
	board.press("resume")
	board.press("park")
	anna.event("CALL_CLOSED")
	board.shows("Parkerad")
	page.key("pickup", kb.F7, shift)
	anna.event("CALL_ESTABLISHED")
	board.press("end")
	alice.event("CALL_CLOSED")
	board.shows("Samtalet är slut")
	for _, p := range []*tab{page, board} {
		if others, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`window.becameAnother.join(", ")`)); others != "" || err != nil {
			t.Errorf("these became others: %s (%v)", others, err)
		}
	}
	s.awaitCalls(1)
}
