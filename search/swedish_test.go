package search

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Lists of common Swedish names and of what companies have; the more common come first, and are drawn more often.
var (
	firstNames = strings.Fields(`Anna Lars Maria Mikael Eva Anders Karin Johan Kristina Erik Lena Per Sara Karl Kerstin Peter
		Emma Thomas Marie Jan Ingrid Daniel Elin Fredrik Malin Andreas Birgitta Hans Johanna Stefan Inger Mats Linda Marcus
		Sofia Magnus Annika Patrik Helena Mattias Susanne Jonas Elisabeth Niklas Jenny Bengt Monica Martin Hanna Björn Åsa
		Håkan Ulla Henrik Camilla Göran Caroline Tommy Cecilia Joakim Anneli Rickard Lisa Oscar Ulrika Christian Therese
		Sven Amanda Nils Jessica Leif Frida Alexander Mona Viktor Julia Rolf Agneta Christer Ida David Barbro Emil Louise
		Kjell Charlotte Filip Katarina Simon Pia Gustav Maja Olof Berit Kent Carina Sebastian Margareta Robert Lotta Ali
		Gunilla William Åke Siv Tobias Sandra Oskar Josefin Rasmus Yvonne Ulf Marianne Roger Madeleine Mohammed Fatima
		Torbjörn Gun Robin Mia Adam Petra Kenneth Anne Lennart Helén Jörgen Ann-Marie Claes Anna-Karin Stig Ann-Sofie Jesper
		Ann-Christin Börje Anita Bo Evelina Jan-Erik Ellinor Gunnar Felicia Per-Olof Matilda Lars-Göran Alva Karl-Johan Klara
		Hampus Ebba Linus Agnes Anton Wilma Kim Märta Ahmed Zahra Dragan Amira Jovan Leyla Hassan Svetlana Pekka Päivi Jukka
		Tuija José Beatriz Zoltán Agnieszka Piotr Małgorzata François Zoë Søren Bjørn Gösta Astrid Vera Örjan Östen Ylva
		Hjalmar Ragnhild Staffan Annelie Loke Tyra Stellan Yngve Folke Saga Tage Signe`)
	lastNames = strings.Fields(`Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Pettersson
		Jonsson Jansson Hansson Bengtsson Jönsson Lindberg Jakobsson Magnusson Lindström Olofsson Lindqvist Lindgren Berg
		Axelsson Bergström Lundberg Lind Lundgren Lundqvist Mattsson Berglund Fredriksson Sandberg Henriksson Forsberg
		Sjöberg Wallin Ali Engström Mohamed Eklund Danielsson Lundin Håkansson Björk Bergman Gunnarsson Holm Wikström
		Samuelsson Isaksson Fransson Bergqvist Nyström Holmberg Arvidsson Löfgren Söderberg Nyberg Blomqvist Claesson
		Nordström Mårtensson Lundström Ahmed Viklund Björklund Eliasson Pålsson Hassan Berggren Sandström Lund Nordin Ström
		Åberg Ekström Hermansson Holmgren Hellström Dahlberg Hedlund Sundberg Sjögren Ek Blom Abrahamsson Martinsson Öberg
		Månsson Falk Åkesson Strömberg Jonasson Hansen Norberg Sundström Åström Lindholm Ivarsson Sundqvist Ekdahl
		Hedberg Östlund Söderström Dahl Wiklund Carlsson Dahlström Molin Nyman Lindahl Ekman Byström Palm Moberg
		Grönlund Blomberg Skoglund Lundmark Norén Hagberg Ottosson Stenberg Ericsson Åhlin Gustavsson Melin Rosén Borg
		Kjellberg Källström Ljungberg Hjelm Djurberg Sköld Stjernström Skjöld Hägg Häggström Ågren Öhman Ahlberg Wahlström
		Qvarnström Zetterberg Zackrisson Schmidt Schröder Löfström Alm Almgren Ryd Rydén Thorén Thunberg Tegnér Kihlström
		Westerlund Vestin Wennberg Ödman Östberg Östman Sörensen Nielsen Kowalski Wójcik Petrović Novak Hosseini
		Yılmaz Nguyen García Müller Virtanen Korhonen Mäkinen Hämäläinen Jovanović Popović Ibrahim Osman Warsame
		Gyllenhammar Ehrensvärd Silfverstolpe Leijonhufvud Stålhane Cederström Hallberg Hultgren Kristoffersson Christensen
		Josefsson Johnsson Karlberg Carlberg Wikander Vikander Lindkvist Bergkvist Hedström Högberg Hjort Kling Krantz
		Quist Rask Sandell Segerström Ståhl Svärd Tornberg Trägårdh Ullman Wester Winberg Vinberg Zander Åkerman Öst`)
	offices = []string{"Stockholm Kista", "Stockholm City", "Göteborg", "Malmö", "Uppsala", "Västerås", "Örebro", "Linköping", "Umeå",
		"Luleå", "Östersund", "Jönköping"}
	departments = []struct{ name, titles, keywords string }{
		{"Ekonomi", "ekonomiassistent,redovisningsekonom,ekonomichef,controller", "fakturor,leverantör,Visma,bokslut,moms,kundreskontra,betalningar,påminnelser,utlägg"},
		{"Lön", "löneadministratör,lönespecialist,lönechef", "löner,Hogia,lönebesked,semester,traktamente,friskvård,sjuklön"},
		{"Personal", "HR-partner,personalchef,HR-assistent", "rekrytering,anställning,arbetsmiljö,försäkring,pension,introduktion"},
		{"Försäljning", "säljare,säljchef,innesäljare,key account manager", "offert,order,priser,kampanj,avtal,rabatt,återförsäljare"},
		{"Kundtjänst", "kundtjänstmedarbetare,teamledare,kundtjänstchef", "reklamation,retur,abonnemang,klagomål,leveranstid,orderstatus"},
		{"Support", "supporttekniker,supportchef", "inloggning,lösenord,felanmälan,Teams,VPN,bredband,router"},
		{"IT", "systemutvecklare,systemadministratör,IT-chef,nätverkstekniker,arkitekt", "servrar,nätverk,Office 365,licenser,SQL,brandvägg,telefoni,växel,skrivare"},
		{"Inköp", "inköpare,inköpschef,strategisk inköpare", "inköp,underleverantör,ramavtal,upphandling,beställning"},
		{"Lager", "lagerarbetare,lagerchef,truckförare", "plock,inventering,pall,truck,godsmottagning,lastkaj"},
		{"Logistik", "speditör,transportledare,logistikchef", "transport,tull,frakt,DHL,Schenker,export,spårning"},
		{"Marknad", "marknadsförare,marknadschef,kommunikatör,grafisk formgivare", "annons,webb,mässa,press,logotyp,sponsring,sociala medier"},
		{"Juridik", "bolagsjurist,chefsjurist", "GDPR,tvist,sekretess,upphovsrätt,bolagsstämma"},
		{"Service", "servicetekniker,servicechef,montör", "reparation,jour,garanti,reservdelar,hiss,ventilation,värmepump"},
		{"Produktion", "operatör,produktionschef,skiftledare,processingenjör", "svets,maskin,skift,CNC,underhåll,gjutning"},
		{"Kvalitet", "kvalitetsingenjör,kvalitetschef", "ISO 9001,revision,avvikelse,certifikat,miljö"},
		{"Konstruktion", "konstruktör,projektledare,beräkningsingenjör", "ritning,CAD,prototyp,hållfasthet,patent"},
		{"Fastighet", "vaktmästare,fastighetsskötare,fastighetschef", "nycklar,larm,passerkort,städning,parkering,ombyggnad"},
		{"Ledning", "verkställande direktör,vice VD,ekonomidirektör,VD-assistent", "styrelse,strategi,ägare,VD"},
		{"Bygg", "byggledare,platschef,snickare,kalkylator", "entreprenad,takläggning,betong,besiktning,anbud"},
		{"Försäkring", "skadereglerare,rådgivare", "skador,bilskada,premie,sakskada,självrisk"},
	}
	languages = []string{"engelska", "finska", "tyska", "arabiska", "spanska", "franska", "polska", "persiska", "danska", "somaliska"}
)

// pick draws from a list whose head is more common: half of the draws fall on its first quarter.
func pick(r *rand.Rand, list []string) string {
	f := r.Float64()
	return list[int(f*f*float64(len(list)))]
}

// feminine guesses from the last letter, well enough for two names of one person to go together.
func feminine(name string) bool { return strings.ContainsAny(name[len(name)-1:], "ae") }

// swede is one generated person and the columns of people.csv.
type swede struct {
	id, name, title, department, office, extension, direct, mobile, email, languages, keywords string
}

// swedes generates n people of one company, always the same for one seed. Extensions and numbers are unique.
func swedes(seed uint64, n int) []swede {
	r := rand.New(rand.NewPCG(seed, 1))
	all := make([]swede, 0, n)
	mobiles := map[string]bool{}
	for i := range n {
		d := departments[r.IntN(len(departments))]
		if d.name == "Ledning" && r.IntN(8) > 0 {
			d = departments[0]
		}
		titles, words := strings.Split(d.titles, ","), strings.Split(d.keywords, ",")
		first, last := pick(r, firstNames), pick(r, lastNames)
		if r.IntN(12) == 0 {
			if second := pick(r, firstNames); feminine(second) == feminine(first) && second != first {
				first += " " + second
			}
		}
		if r.IntN(25) == 0 {
			last += "-" + pick(r, lastNames)
		}
		p := swede{id: fmt.Sprintf("p%05d", i+1), name: first + " " + last, department: d.name, office: pick(r, offices),
			title: titles[min(int(r.ExpFloat64()), len(titles)-1)]}
		p.extension = fmt.Sprint(10000 + i*7%90000)
		if n <= 9000 {
			p.extension = fmt.Sprint(1000 + i*7%9000)
		}
		p.direct = fmt.Sprintf("+4685550%04d", i*7919%10000)
		if n > 10000 {
			p.direct = fmt.Sprintf("+46855%06d", i*7919%1000000)
		}
		for p.mobile == "" || mobiles[p.mobile] {
			p.mobile = fmt.Sprintf("+467%d%07d", []int{0, 2, 3, 6, 9}[r.IntN(5)], r.IntN(10000000))
		}
		mobiles[p.mobile] = true
		p.email = strings.ToLower(fold(strings.Fields(first)[0]) + "." + fold(last) + "@nordverken.example")
		r.Shuffle(len(words), func(a, b int) { words[a], words[b] = words[b], words[a] })
		p.keywords = strings.Join(words[:2+r.IntN(3)], ", ")
		if r.IntN(6) == 0 {
			p.languages = pick(r, languages)
		}
		all = append(all, p)
	}
	return all
}

// row is the person's line of people.csv.
func (p swede) row() []string {
	return []string{p.id, p.name, p.title, p.department, p.office, p.extension, p.direct, p.mobile, p.email, p.languages, p.keywords}
}

// doc is the person as the index takes it.
func (p swede) doc() Doc {
	d := Doc{ID: p.id, Kind: Person, Names: []string{p.name}, Title: p.title, Department: p.department, Office: p.office,
		Numbers: []string{p.extension, p.direct, p.mobile}, Text: p.email}
	if p.languages != "" {
		d.Languages = strings.Split(p.languages, ", ")
	}
	d.Keywords = strings.Split(p.keywords, ", ")
	return d
}
