package peers

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// closeBrowser ends the browser, where one was started.
var closeBrowser = func() {}

// chromium is one browser for all tests; each page has cookies of its own.
var chromium = sync.OnceValues(func() (context.Context, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.Flag("accept-lang", "sv"))
	alloc, end := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(alloc)
	closeBrowser = func() { cancel(); end() }
	return ctx, chromedp.Do(ctx)
})

// tab is one tab with a page in it.
type tab struct {
	s    *server
	ctx  context.Context
	path string // the page

	mu       sync.Mutex // protects what the page complained of
	complain []string
}

// skewed sets the browser's clock hours ahead of the server's: nothing on the page may go by it.
const skewed = `{ const now = Date.now; Date.now = () => now() + 5 * 3600e3; }`

// console opens the console in a browser of its own and signs in.
func (s *server) console(token string) *tab { s.t.Helper(); return s.opens("/", token) }

// opens opens a page in a browser of its own and signs in.
func (s *server) opens(path, token string) *tab {
	s.t.Helper()
	b, err := chromium()
	if err != nil {
		s.t.Fatalf("chromium: %v", err)
	}
	p := s.tab(b, path, chromedp.WithNewBrowserContext())
	p.focused("token")
	p.types(token + "\r")
	return p
}

// another opens a second tab beside the first, with the same cookies.
func (p *tab) another() *tab { return p.s.tab(p.ctx, p.path) }

func (s *server) tab(parent context.Context, path string, options ...chromedp.ContextOption) *tab {
	s.t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	p := &tab{s: s, ctx: ctx, path: path}
	said := make(chan struct{})
	messages := chromedp.Console(ctx)
	go func() {
		defer close(said)
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Source != "network" && m.Type != "debug" { // that the server was not there, or said no; and hints
				p.mu.Lock()
				p.complain = append(p.complain, m.String())
				p.mu.Unlock()
			}
		}
	}()
	s.t.Cleanup(func() {
		cancel()
		<-said
		for _, m := range p.complain {
			s.t.Errorf("the page complains: %s", m)
		}
	})
	prepare := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: skewed})
		return err
	})
	p.do("open "+path, chromedp.EmulateViewport(1440, 900), prepare, chromedp.Navigate("http://"+s.net+"1:8080"+path))
	return p
}

func (p *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.s.t.Helper()
	for _, step := range steps {
		ctx, cancel := context.WithTimeout(p.ctx, patience)
		if p.bare() {
			ctx = p.ctx // the first step makes the tab, which lives as long as its context
		}
		err := chromedp.Do(ctx, step)
		cancel()
		if err != nil {
			p.s.t.Fatalf("%s: %v", what, err)
		}
	}
}

// bare tells whether nothing was done in the tab yet.
func (p *tab) bare() bool { c := chromedp.FromContext(p.ctx); return c == nil || c.Target == nil }

// is asks the page.
func (p *tab) is(js string) (bool, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+js+")"))
}

func (p *tab) text() (string, error) {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
}

// await asks the page again and again until it is so.
func (p *tab) await(what, js string) {
	p.s.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for {
		so, err := p.is(js)
		if so {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			text, _ := p.text()
			p.s.t.Fatalf("gave up waiting for %s (%v); the page says:\n%s", what, err, text)
		}
	}
}

// shows waits until the page says something, or all of it.
func (p *tab) shows(texts ...string) {
	p.s.t.Helper()
	for _, text := range texts {
		p.await(fmt.Sprintf("the page to say %q", text), says(text))
	}
}

// hides waits until the page no longer says something.
func (p *tab) hides(text string) {
	p.s.t.Helper()
	p.await(fmt.Sprintf("the page to stop saying %q", text), "!"+says(text))
}

// says asks whether the page says something, wherever its lines may not be broken.
func says(text string) string {
	return fmt.Sprintf(`document.body.innerText.replaceAll("\u00a0", " ").includes(%q)`, text)
}

// enabled waits until a button can be pressed.
func (p *tab) enabled(button string) {
	p.s.t.Helper()
	p.await("the button "+button, enabled(button))
}

func enabled(button string) string {
	return fmt.Sprintf(`document.querySelector('dialog ' + %[1]q) || (!document.querySelector("dialog") && document.querySelector(%[1]q))`,
		`[data-do="`+button+`"]:not([aria-disabled="true"])`)
}

// press presses a button, one of the dialog's where there is one.
func (p *tab) press(button string) {
	p.s.t.Helper()
	p.enabled(button)
	p.click("(" + enabled(button) + ")")
}

// click clicks on an element.
func (p *tab) click(js string) {
	p.s.t.Helper()
	p.do("click on "+js, chromedp.Evaluate[chromedp.Void](js+"?.click()"))
}

// key presses a key once the button that it stands on can be pressed.
func (p *tab) key(button, key string, modifiers ...chromedp.Modifier) {
	p.s.t.Helper()
	p.enabled(button)
	p.hit(key, modifiers...)
}

// hit presses a key.
func (p *tab) hit(key string, modifiers ...chromedp.Modifier) {
	p.s.t.Helper()
	p.do("press a key", chromedp.KeyEvent(key, chromedp.KeyModifiers(modifiers...)))
}

// types types into whatever has the focus.
func (p *tab) types(text string) { p.s.t.Helper(); p.do("type "+text, chromedp.KeyEvent(text)) }

// focus gives a field the focus.
func (p *tab) focus(selector string) {
	p.s.t.Helper()
	p.await(selector, fmt.Sprintf("document.querySelector(%q)", selector))
	p.do("focus", chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.querySelector(%q).focus()", selector)))
}

// focused waits until a field has the focus.
func (p *tab) focused(id string) {
	p.s.t.Helper()
	p.await("the focus in "+id, fmt.Sprintf("document.activeElement.id === %q && document.activeElement.checkVisibility()", id))
}

// token makes a token by the command line.
func (s *server) token(args ...string) string {
	s.t.Helper()
	for _, word := range strings.Fields(s.cli(append([]string{"tokens", "create", "--config", s.config, "--name", "Konsol"}, args...)...)) {
		if strings.HasPrefix(word, "tfn_") {
			return word
		}
	}
	s.t.Fatal("no token was printed")
	return ""
}

// works is the token of a receptionist's console.
func (s *server) works(agent string) string {
	s.t.Helper()
	return s.token("--agent", agent, "--scope", "calls:work")
}

// tells asks the API for something.
func (s *server) tells(token, method, path, body string) {
	s.t.Helper()
	req, err := http.NewRequest(method, "http://"+s.net+"1:8080/api/v1"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("If-None-Match", "*")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %s", method, path, res.Status)
	}
}
