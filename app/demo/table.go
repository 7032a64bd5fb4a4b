package demo

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"telefonist/call"
	"telefonist/record"
)

// redrawEvery is how often the live part of the table is drawn anew on a terminal.
const redrawEvery = 200 * time.Millisecond

// headingEvery is after how many lines the headings are repeated where nothing moves.
const headingEvery = 30

// Table shows calls as they happen: on a terminal those that live at the bottom, each on a line that keeps changing, and
// those that have ended above; elsewhere one plain line for each event. Observe and Happened never block.
type Table struct {
	live  bool
	paint palette
	wake  chan struct{}
	stop  chan struct{}
	done  chan struct{}

	mu    sync.Mutex // protects queue
	queue []news

	// Everything below belongs to the goroutine.

	w     io.Writer
	fd    int // of the terminal
	rows  map[call.ID]*row
	order []call.ID
	calls int
	lines int // plain lines since the headings
	drawn int // lines of the live part on the screen
}

// news is what the goroutine is told.
type news struct {
	head     *record.Head // a copy
	entry    call.Entry
	ended    *record.Record
	happened *Happening
}

// NewTable shows on w. Colours and movement are used where w is a terminal and NO_COLOR is not set.
func NewTable(w io.Writer) *Table {
	return newTable(w, isTerminal(w))
}

func isTerminal(w io.Writer) bool {
	f, is := w.(*os.File)
	return is && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func newTable(w io.Writer, terminal bool) *Table {
	t := &Table{live: terminal, paint: palette(terminal), w: w, rows: map[call.ID]*row{},
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	if f, is := w.(*os.File); is {
		t.fd = int(f.Fd())
	}
	go t.run()
	return t
}

// Observe takes a line of a call's story; it fits switchboard.Config.Observe.
func (t *Table) Observe(h *record.Head, e call.Entry, ended *record.Record) {
	head := *h
	t.tell(news{head: &head, entry: e, ended: ended})
}

// Happened takes what the server cannot tell of; it fits Options.Happened.
func (t *Table) Happened(h Happening) { t.tell(news{happened: &h}) }

func (t *Table) tell(n news) {
	t.mu.Lock()
	t.queue = append(t.queue, n)
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Close shows what was told so far and stops.
func (t *Table) Close() {
	close(t.stop)
	<-t.done
}

func (t *Table) run() {
	defer close(t.done)
	var tick <-chan time.Time
	if t.live {
		ticker := time.NewTicker(redrawEvery)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case <-t.wake:
			t.show(time.Now())
		case now := <-tick:
			t.draw(now, nil)
		case <-t.stop:
			t.show(time.Now())
			return
		}
	}
}

// show takes in all news. Errors of writing are ignored: there is nobody left to be told.
func (t *Table) show(now time.Time) {
	t.mu.Lock()
	taken := t.queue
	t.queue = nil
	t.mu.Unlock()
	var lasting []string
	for _, n := range taken {
		if line, lasts := t.take(n); line != "" && (lasts || !t.live) {
			lasting = append(lasting, line)
		}
	}
	if t.live {
		t.draw(now, lasting)
		return
	}
	for _, line := range lasting {
		if t.lines%headingEvery == 0 {
			fmt.Fprintln(t.w, heading(t.paint))
		}
		t.lines++
		fmt.Fprintln(t.w, line)
	}
}

// take brings the rows up to date and returns the line that the news makes; it lasts where nothing follows it.
func (t *Table) take(n news) (line string, lasts bool) {
	if n.happened != nil {
		return n.happened.At.Format("15:04:05.000") + "        " + t.paint.paint(dim, happening(*n.happened)), true
	}
	id := n.head.Call
	r := t.rows[id]
	if r == nil {
		t.calls++
		r = newRow(t.calls, n.head)
		t.rows[id] = r
		if t.live {
			t.order = append(t.order, id)
		}
	}
	if !r.take(n.entry, n.ended) {
		return "", false
	}
	line = r.line(n.entry.Wall, t.paint)
	if n.ended != nil {
		delete(t.rows, id)
	}
	return line, n.ended != nil
}

func happening(h Happening) string {
	if h.No == 0 {
		return h.What
	}
	return fmt.Sprintf("%s calls %s: %s", h.Caller, h.Called, h.What)
}

// draw puts lasting lines above the live part and draws that anew, without the cursor and cut at the right edge
// (ECMA-48: CPL, ED; DEC private modes 7 and 25).
func (t *Table) draw(now time.Time, lasting []string) {
	if t.drawn == 0 && len(lasting) == 0 && len(t.rows) == 0 {
		return
	}
	var b strings.Builder
	b.WriteString("\x1b[?25l\x1b[?7l")
	if t.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dF\x1b[0J", t.drawn)
	}
	for _, line := range lasting {
		b.WriteString(line + "\n")
	}
	t.drawn = 0
	t.order = slices.DeleteFunc(t.order, func(id call.ID) bool { return t.rows[id] == nil })
	if len(t.order) > 0 {
		b.WriteString(heading(t.paint) + "\n")
		t.drawn++
	}
	for _, id := range t.order[:min(len(t.order), t.room())] {
		b.WriteString(t.rows[id].line(now, t.paint) + "\n")
		t.drawn++
	}
	b.WriteString("\x1b[?7h\x1b[?25h")
	_, _ = io.WriteString(t.w, b.String())
}

// room is how many live rows fit on the screen, so that the cursor can be moved back to the first.
func (t *Table) room() int {
	_, height, err := term.GetSize(t.fd)
	if err != nil || height < 4 {
		return 20
	}
	return height - 3
}
