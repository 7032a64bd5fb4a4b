package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"telefonist/directory"
)

func TestAPersonWhoCalledWasConnectedAndGotMessagesIsErasedWithAllTraces(t *testing.T) {
	d := newDesk(t)
	const person = `{"given_name":"Zacharias","family_name":"Zetterqvist","email":"zz@example.com","sms":"070-174 06 05","keywords":["ödletext"]}`
	d.acme(200, "PUT", "/people/zz", person, "If-None-Match", "*")
	d.acme(200, "PUT", "/people/bo", `{"given_name":"Bo","family_name":"Öst","email":"bo@example.com","substitutes":["zz"],"notes":"Delar rum med Zacharias Zetterqvist"}`, "If-None-Match", "*")
	d.acme(201, "POST", "/people/zz/referrals", `{"code":"sjuk","note":"ödlebett"}`)
	id, hangUp := d.call() // the caller's number is the person's own
	path := "/calls/" + string(id) + "/messages"
	d.acme(201, "POST", path, `{"channel":"email","to":{"person":"zz"},"fields":{"wish":"ring ödlan"}}`)
	d.acme(201, "POST", path, `{"channel":"email","to":{"person":"bo"},"fields":{"caller":"Zacharias Zetterqvist","wish":"faktura 17"}}`)
	for range 2 {
		<-d.took
	}
	if _, err := d.admin.ErasePerson(t.Context(), "acme", "zz", false); err == nil || !strings.Contains(err.Error(), "call") {
		t.Errorf("during the call: %v", err)
	}
	hangUp()

	traces := []string{"Zetterqvist", "zz@example.com", "701740605", "ödletext", "ödlebett", "ödlan"}
	left := func() (all []string) {
		for _, file := range []string{"calls.db", "directory.db"} {
			text, err := os.ReadFile(filepath.Join(d.dir, file))
			if err != nil {
				t.Fatal(err)
			}
			for _, trace := range traces {
				if bytes.Contains(text, []byte(trace)) {
					all = append(all, file+": "+trace)
				}
			}
		}
		return all
	}
	plan, err := d.admin.ErasePerson(t.Context(), "acme", "zz", true)
	if err != nil || plan.Calls != 1 || plan.Messages != 1 || plan.About != 1 || plan.Substitutes != 1 || len(plan.Mentions) != 1 || plan.Mentions[0] != (directory.Mention{Kind: directory.KindPerson, ID: "bo"}) {
		t.Errorf("planned %+v, %v", plan, err)
	}
	if len(left()) < len(traces) {
		t.Errorf("before: %q", left())
	}
	d.acme(200, "PUT", "/people/bo", `{"given_name":"Bo","family_name":"Öst","email":"bo@example.com","substitutes":["zz"]}`, "If-Match", "*") // what it mentions
	done, err := d.admin.ErasePerson(t.Context(), "acme", "zz", false)
	if err != nil || done.Calls != 1 || done.Masked == 0 || len(done.Mentions) != 0 {
		t.Errorf("erased %+v, %v", done, err)
	}
	if all := left(); len(all) > 0 { // while the server runs
		t.Errorf("still in the files: %q", all)
	}
	rec, err := d.admin.Call(id)
	if err != nil || rec.Parties.Caller != "" || rec.Row == nil || rec.HandledMS == 0 || len(rec.Story) == 0 {
		t.Errorf("record %+v, %v", rec, err)
	}
	if r := d.acme(200, "GET", path, ""); r.field("messages.0.to.address") != "bo@example.com" || r.field("messages.1.id") != "" || !strings.Contains(r.body, directory.Masked) || !strings.Contains(r.body, "faktura 17") {
		t.Errorf("messages: %s", r.body)
	}
	d.until("nobody is found", func() bool {
		hits, err := d.admin.Search(t.Context(), "acme", "zetterqvist", "")
		return err == nil && len(hits) == 0
	})
	if h := d.acme(200, "GET", "/people/bo", ""); strings.Contains(h.body, "zz") {
		t.Errorf("a substitute still: %s", h.body)
	}
}
