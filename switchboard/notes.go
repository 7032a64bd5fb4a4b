package switchboard

import (
	"context"
	"fmt"
	"slices"
	"time"

	"telefonist/record"
)

// Note is what a supervisor tells the consoles. Its text is not in the stream of events, which only says that there is one.
type Note struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Text   string    `json:"text"`
	Agents []string  `json:"agents,omitempty" doc:"Whom it is for; missing: everybody"`
}

const (
	// noteFor is how long a note is shown to whoever looks, mostNotes how many at most.
	noteFor     = 12 * time.Hour
	mostNotes   = 50
	longestNote = 500
)

// Note shows a note on consoles, and returns it as it is shown.
func (b *Board) Note(ctx context.Context, n Note) (out Note, err error) {
	if n.Text == "" || len(n.Text) > longestNote {
		return Note{}, fmt.Errorf("a note has 1 to %d bytes: %w", longestNote, ErrInvalid)
	}
	if askErr := b.ask(ctx, func() { out, err = b.note(n, time.Now()) }); askErr != nil {
		return Note{}, askErr
	}
	return out, err
}

func (b *Board) note(n Note, now time.Time) (Note, error) {
	for _, id := range n.Agents {
		if _, known := b.dir.Agent(id); !known {
			return Note{}, unknown("agent", id)
		}
	}
	n.ID, n.At = string(newID(now)), now.UTC().Round(0)
	b.notes = append(b.current(now), n)
	if len(b.notes) > mostNotes {
		b.notes = b.notes[1:]
	}
	b.streamed(record.StreamEvent{At: now, About: record.AboutNote, Kind: record.NoteSent})
	b.log.Info("note sent", "by", n.By, "agents", len(n.Agents))
	return n, nil
}

// current are the notes that are still shown.
func (b *Board) current(now time.Time) []Note {
	return slices.DeleteFunc(append([]Note{}, b.notes...), func(n Note) bool { return now.Sub(n.At) > noteFor })
}
