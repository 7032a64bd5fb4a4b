package peers

import (
	"testing"

	"github.com/chromedp/chromedp"
)

func TestEveryWindowGoesWithWhoeverSignsInInOneOfThem(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna", "bo", "cia"}})
	page := s.console(s.works("anna"))
	page.shows("ankn. 101")
	second := page.another()
	second.shows("ankn. 101")
	second.press("signout")
	second.shows("Du har lämnat sidan")
	page.focused("token")
	second.focused("token")
	second.types(s.works("bo") + "\r")
	second.shows("ankn. 102")
	page.shows("ankn. 102")

	// One that was not told finds out when it comes back to the server, and begins anew.
	page.do("change the cookie", chromedp.Evaluate[chromedp.Void](`window.old = true; void fetch("/api/v1/session",
		{ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token: "`+s.works("cia")+`" }) }).then(() => dispatchEvent(new Event("offline")))`))
	page.shows("ankn. 103")
	if old, err := page.is("window.old"); old || err != nil {
		t.Errorf("the page of one became that of another (%v)", err)
	}
}

func TestWhatOneHasTypedIsNotThereForTheNext(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna", "bo"}})
	page := s.console(s.works("anna"))
	page.focus("#dial")
	page.types("070123")
	page.press("signout")
	page.focused("token")
	page.types(s.works("bo") + "\r")
	page.shows("ankn. 102")
	page.await("an empty field", `document.querySelector("#dial").value === ""`)
}
