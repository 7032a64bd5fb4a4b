package directory

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// ids gives p1, p2 and so on.
func ids() func() string {
	n := 0
	return func() string { n++; return fmt.Sprintf("p%d", n) }
}

func rows(lines ...string) (header []string, all []Row) {
	header = strings.Split(lines[0], ";")
	for i, l := range lines[1:] {
		all = append(all, Row{Line: i + 2, Cells: strings.Split(l, ";")})
	}
	return header, all
}

func mustPlan(t testing.TB, b *Book, o PlanOptions, lines ...string) Plan {
	t.Helper()
	header, all := rows(lines...)
	if o.NewID == nil {
		o.NewID = ids()
	}
	o.Region = "SE"
	p, err := PlanImport(b, header, all, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func fates(p Plan) string {
	var out []string
	for _, f := range p.Fates {
		s := fmt.Sprintf("%d:%s", f.Line, f.Fate)
		for _, c := range f.Problems {
			s += fmt.Sprintf("@%d,%d", c.Line, c.Column)
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestSwedishAndEnglishHeadingsAreUnderstood(t *testing.T) {
	sv := mustPlan(t, NewBook(), PlanOptions{}, "Anst.nr;Förnamn;Efternamn;ANKN;Mobil;E-post;Sökord;Skostorlek",
		"17;Anna;Ek;205;070-123 45 67;anna@acme.example;fakturor, Visma;38")
	en := mustPlan(t, NewBook(), PlanOptions{}, "employee_number;First name;Last name;Extension;Mobile phone;E-mail;keywords",
		"17;Anna;Ek;205;701234567;anna@acme.example;fakturor, Visma")
	want := Person{ExternalID: "17", GivenName: "Anna", FamilyName: "Ek", Email: "anna@acme.example", Keywords: []string{"fakturor", "Visma"},
		Numbers: []Phone{{PhoneExtension, "205", false}, {PhoneMobile, "+46701234567", false}}}
	for _, p := range []Plan{sv, en} {
		if got := p.Upserts["p1"]; !reflect.DeepEqual(got, want) || fates(p) != "2:create" {
			t.Errorf("got %+v, %s", got, fates(p))
		}
	}
	if !slices.Equal(sv.Ignored, []string{"Skostorlek"}) {
		t.Errorf("ignored %q", sv.Ignored)
	}
}

func TestEachRowGetsItsFate(t *testing.T) {
	b := NewBook()
	b.Add("a", Person{ExternalID: "1", GivenName: "Anna", FamilyName: "Ek", Notes: "kept"})
	b.Add("b", Person{ExternalID: "2", GivenName: "Bo", FamilyName: "Alm"})
	b.Add("c", Person{GivenName: "Cia", FamilyName: "Berg", Email: "cia@acme.example"})
	b.Add("d1", Person{GivenName: "Dan", FamilyName: "Dahl"})
	b.Add("d2", Person{GivenName: "Dan", FamilyName: "Dahl"})
	p := mustPlan(t, b, PlanOptions{}, "external_id;name;direct;email",
		"1;Anna Ek;;",                      // 2 unchanged
		"2;Bo Alm;08-500 000 01;",          // 3 a number
		";Cia Berg-Lind;;CIA@acme.example", // 4 found by e-mail
		";Ny Person;;",                     // 5 new
		";Dan Dahl;;",                      // 6 two of that name
		"9;Fel Nummer;hemligt;",            // 7 column 3
		"2;Bo Igen;;",                      // 8 the same person twice
		";;;",                              // 9 empty: not a row
		"10;;;x@y",                         // 10 neither name nor address
	)
	if got, want := fates(p), "2:unchanged 3:update 4:update 5:create 6:error@6,2 7:error@7,3 8:error@8,0@8,1 10:error@10,2@10,4"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	c, refused := p.Counts()
	if (c != ImportCounts{Created: 1, Updated: 2, Unchanged: 1}) || refused != 4 || len(p.Upserts) != 3 {
		t.Errorf("counts %+v, %d refused, %d upserts", c, refused, len(p.Upserts))
	}
	if got := p.Upserts["c"]; got.FamilyName != "Berg-Lind" || got.Email != "CIA@acme.example" {
		t.Errorf("got %+v", got)
	}
}

func TestWhatAFileHasNoColumnForStays(t *testing.T) {
	b := NewBook()
	b.Add("a", Person{ExternalID: "1", GivenName: "Anna", FamilyName: "Ek", Notes: "kept", Keywords: []string{"moms"},
		Numbers: []Phone{{PhoneMobile, "+46701234567", true}, {PhoneExtension, "205", false}}})
	p := mustPlan(t, b, PlanOptions{}, "external_id;förnamn;efternamn;ankn;sökord", "1;Anna;Ek;206;")
	want := Person{ExternalID: "1", GivenName: "Anna", FamilyName: "Ek", Notes: "kept",
		Numbers: []Phone{{PhoneMobile, "+46701234567", true}, {PhoneExtension, "206", false}}}
	if got := p.Upserts["a"]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestSubstitutesAreFoundByWhatThePeopleWrite(t *testing.T) {
	b := NewBook()
	b.Add("b", Person{ExternalID: "2", GivenName: "Bo", FamilyName: "Alm"})
	p := mustPlan(t, b, PlanOptions{}, "external_id;name;ersättare", "1;Anna Ek;Bo Alm, 3", "3;Cia Berg;anna ek", "4;Dan Dahl;Nobody")
	if got := fates(p); got != "2:create 3:create 4:error@4,3" {
		t.Error(got)
	}
	if got := p.Upserts["p1"].Substitutes; !slices.Equal(got, []string{"b", "p2"}) {
		t.Errorf("got %q", got)
	}
}

func TestNobodyIsThereByWordOfARowThatIsRefused(t *testing.T) {
	b := NewBook()
	b.Add("b", Person{ExternalID: "2", GivenName: "Bo", FamilyName: "Alm", Substitutes: []string{"gone"}})
	p := mustPlan(t, b, PlanOptions{}, "external_id;name;ersättare", "1;Anna Ek;Cia Berg", "3;Cia Berg;Dan Dahl", "4;Dan Dahl;Nobody", "2;Bo Alm;Eva Ek", "5;Eva Ek;Bo Alm", "6;Pia Ek;Bo Alm, 7", "7;Ulf Ek;")
	if got := fates(p); got != "2:error@2,3 3:error@3,3 4:error@4,3 5:update 6:create 7:create 8:create" {
		t.Error(got)
	}
	if p = mustPlan(t, b, PlanOptions{}, "external_id;name;ersättare", "2;Bo Alm;Nobody", "1;Anna Ek;Bo Alm"); fates(p) != "2:error@2,3 3:create" {
		t.Errorf("one who is there already: %s", fates(p))
	}
}

func TestNobodyIsTheirOwnSubstitute(t *testing.T) {
	for file, want := range map[string]string{
		"external_id;name;ersättare\n1;Anna Ek;Bo Alm, anna ek":         "2:error@2,3",
		"external_id;name;ersättare\n2;Bo Alm;2":                        "2:error@2,3",
		"external_id;name;ersättare\n3;Cia Berg;4\n4;Dan Dahl;Dan Dahl": "2:error@2,3 3:error@3,3",
		"id;name;ersättare\nb;Bo Alm;b":                                 "2:error@2,3",
		"id;name;ersättare\nd;Di Dahl;d, b":                             "2:update", // an export of one who is
		"id;name;ersättare\nd;Di Dahl;Di Dahl":                          "2:error@2,3",
	} {
		b := NewBook()
		b.Add("b", Person{ExternalID: "2", GivenName: "Bo", FamilyName: "Alm"})
		b.Add("d", Person{GivenName: "Di", FamilyName: "Dahl", Substitutes: []string{"d"}})
		p := mustPlan(t, b, PlanOptions{}, strings.Split(file, "\n")...)
		if subs := p.Upserts["d"].Substitutes; fates(p) != want || len(subs) > 0 && !slices.Equal(subs, []string{"b"}) {
			t.Errorf("%q: %s, %q", file, fates(p), subs)
		}
	}
}

func TestASubstituteWhoIsGoneIsLeftOut(t *testing.T) {
	book := func() *Book {
		b := NewBook()
		b.Add("a", Person{ExternalID: "1", FamilyName: "Ek", Substitutes: []string{"gone", "b"}})
		b.Add("b", Person{ExternalID: "2", FamilyName: "Alm"})
		return b
	}
	for _, c := range []struct {
		o     PlanOptions
		lines []string
		want  string
		left  []string
	}{
		{PlanOptions{}, []string{"external_id;efternamn;ersättare", "1;Ek;gone, b"}, "2:update", []string{"b"}},
		{PlanOptions{}, []string{"external_id;efternamn;ersättare", "1;Ek;other"}, "2:error@2,3", nil},
		{PlanOptions{Replace: true}, []string{"external_id;efternamn;ersättare", "1;Ek;b"}, "2:update 0:delete", nil},
		{PlanOptions{Replace: true}, []string{"external_id;efternamn;ersättare", "1;Ek;Alm"}, "2:error@2,3", nil},
		{PlanOptions{Replace: true}, []string{"external_id;efternamn", "1;Ek"}, "2:update 0:delete", nil},
		{PlanOptions{Replace: true}, []string{"external_id;efternamn", "1;Ek", "2;Alm"}, "2:update 3:unchanged", []string{"b"}},
		{PlanOptions{Replace: true}, []string{"external_id;efternamn", "1;Ek", "2;"}, "2:update 3:error@3,2", []string{"b"}},
	} {
		if p := mustPlan(t, book(), c.o, c.lines...); fates(p) != c.want || !slices.Equal(p.Upserts["a"].Substitutes, c.left) {
			t.Errorf("%q, replace %t: %s, %q", c.lines, c.o.Replace, fates(p), p.Upserts["a"].Substitutes)
		}
	}
}

// A file that says nothing of responsibilities may change people whose common number is gone.
func TestResponsibilitiesAreAtCommonNumbersOfTheTenant(t *testing.T) {
	b := NewBook()
	b.Add("a", Person{ExternalID: "1", FamilyName: "Ek", Responsibilities: []Responsibility{{Common: "+4684000001", What: "moms"}}})
	o := PlanOptions{IsCommon: func(number string) bool { return number == "+4684000002" }}
	p := mustPlan(t, b, o, "external_id;efternamn;ansvar", "1;Ek;+4684000001: moms", "2;Alm;08-400 00 02: support | moms")
	if got := fates(p); got != "2:error@2,3 3:create" {
		t.Error(got)
	}
	if p = mustPlan(t, b, o, "external_id;efternamn", "1;Alm"); fates(p) != "2:update" || len(p.Upserts["a"].Responsibilities) != 1 {
		t.Errorf("%s %+v", fates(p), p.Upserts)
	}
}

func TestReplacingRemovesOnlyWhereEveryRowIsGood(t *testing.T) {
	book := func() *Book {
		b := NewBook()
		b.Add("a", Person{ExternalID: "1", FamilyName: "Ek"})
		b.Add("b", Person{ExternalID: "2", FamilyName: "Alm"})
		return b
	}
	p := mustPlan(t, book(), PlanOptions{Replace: true}, "external_id;efternamn", "1;Ek")
	if !slices.Equal(p.Removed, []string{"b"}) || fates(p) != "2:unchanged 0:delete" {
		t.Errorf("removed %q, %s", p.Removed, fates(p))
	}
	if p := mustPlan(t, book(), PlanOptions{Replace: true}, "external_id;efternamn", "1;Ek", "9;"); len(p.Removed) != 0 {
		t.Errorf("removed %q though a row is wrong", p.Removed)
	}
}

func TestAFileWithoutNamesOrWithTwoOfAColumnIsRefused(t *testing.T) {
	for _, h := range []string{"a;b", "efternamn;Surname", "205;Anna"} {
		header, _ := rows(h)
		if _, err := PlanImport(NewBook(), header, nil, PlanOptions{NewID: ids()}); err == nil {
			t.Errorf("%q is taken", h)
		}
	}
}

func TestEveryWordForAColumnMeansOneColumn(t *testing.T) {
	seen := map[string]string{}
	for _, c := range append(slices.Clip(columns), wholeName) {
		for _, w := range append([]string{fold(c.name)}, c.also...) {
			if w != fold(w) {
				t.Errorf("%q is not folded", w)
			}
			if other, twice := seen[w]; twice {
				t.Errorf("%q means %s and %s", w, other, c.name)
			}
			seen[w] = c.name
		}
	}
}

// randomPerson makes a normalized person with awkward values.
func randomPerson(rnd *rand.Rand) Person {
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	p := Person{
		ExternalID: pick("", fmt.Sprint(rnd.IntN(1e9)), "=1+1", "å/ä"), GivenName: pick("Anna", "Bo-Erik", "'Kalle", ""), FamilyName: pick("Ek", "von Post", "-x"),
		Title: pick("", "VD", "Chef, \"inköp\"; logistik"), Department: pick("", "Lager | Nord"), Office: pick("", "Väst"),
		Email: pick("", "anna.ek@acme.example"), SMS: pick("", "+46701234567"), Notes: pick("", "rad 1\nrad 2", "=cmd()", "a;b,c|d", "'=x"),
		PhotoURL: pick("", "https://acme.example/p.jpg?a=1;b=2"),
	}
	for range rnd.IntN(5) {
		p.Numbers = append(p.Numbers, Phone{phoneKinds[1+rnd.IntN(3)], pick("+46850000001", "+46701234567", "+4522123456", "206"), rnd.IntN(2) == 0})
		p.Numbers = append(p.Numbers, Phone{PhoneExtension, pick("205", "4711"), rnd.IntN(2) == 0})
	}
	for range rnd.IntN(4) {
		p.Keywords = append(p.Keywords, pick("fakturor", "Visma", "å ä ö", "C++"))
		p.Languages = append(p.Languages, pick("svenska", "engelska"))
		p.Responsibilities = append(p.Responsibilities, Responsibility{pick("", "+4684000001"), pick("moms", "a: b", "08-500 000 01: x", ": c", "d, e; f")})
	}
	if bad := p.Normalize("SE"); bad != nil {
		panic(bad)
	}
	return p
}

func TestAnExportedPersonIsReadAsTheSame(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 2))
	for i := range 500 {
		want := randomPerson(rnd)
		plan, err := PlanImport(NewBook(), PersonColumns(), []Row{{2, PersonRow("x1", want)}}, PlanOptions{Region: "SE", NewID: ids()})
		if err != nil || len(plan.Fates) != 1 || plan.Fates[0].Fate != Create {
			t.Fatalf("seed %d, %d: %+v, %v", seed, i, plan.Fates, err)
		}
		if got := plan.Upserts["x1"]; !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d, %d:\ngot  %+v\nwant %+v", seed, i, got, want)
		}
		b := NewBook()
		b.Add("x1", want)
		if plan, _ := PlanImport(b, PersonColumns(), []Row{{2, PersonRow("x1", want)}}, PlanOptions{Region: "SE", NewID: ids()}); plan.Fates[0].Fate != Unchanged {
			t.Fatalf("seed %d, %d: %+v", seed, i, plan.Fates)
		}
	}
}

func FuzzPlanImport(f *testing.F) {
	f.Add("Förnamn;Efternamn;Ankn;Ersättare", "Anna;Ek;205;Bo", "Bo;Alm;;")
	f.Add("name;hidden_numbers;number_order;mobile", "Ek, Anna;mobile;mobil;070-1234567", "x;y;z")
	f.Add("id;namn;ansvar", "a;B;08-1234567: x | : y", "a;C;")
	f.Fuzz(func(t *testing.T, head, one, two string) {
		header, all := rows(head, one, two)
		plan, err := PlanImport(NewBook(), header, all, PlanOptions{Region: "SE", NewID: ids()})
		if err != nil {
			return
		}
		c, refused := plan.Counts()
		if c.Created+refused != len(plan.Fates) || len(plan.Upserts) != c.Created {
			t.Fatalf("%+v, %d refused, %d upserts of %d rows", c, refused, len(plan.Upserts), len(plan.Fates))
		}
		for id, p := range plan.Upserts {
			again := p
			again.Numbers, again.Responsibilities = slices.Clone(p.Numbers), slices.Clone(p.Responsibilities)
			if bad := again.Normalize("SE"); bad != nil || !reflect.DeepEqual(again, p) {
				t.Fatalf("%s is not in its form: %+v, %v", id, p, bad)
			}
		}
		for _, f := range plan.Fates {
			if (f.Fate == Refused) != (len(f.Problems) > 0) {
				t.Fatalf("fate %+v", f)
			}
		}
	})
}
