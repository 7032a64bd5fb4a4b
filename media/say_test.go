package media

import (
	"testing"
	"time"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// sayRig has music of 1,600 Hz that says where it is by its loudness, and two prompts of 100 ms.
func sayRig(t *testing.T) *rig {
	return newRig(t, func(c *Config) {
		dir := t.TempDir()
		c.Prompts = map[string]string{
			"music": writeWAV(t, dir, "m.wav", 8000, 1, sine(1600, 8000, 4000)),
			"one":   writeWAV(t, dir, "1.wav", 8000, 1, sine(500, 8000, 1600)),
			"two":   writeWAV(t, dir, "2.wav", 8000, 1, sine(2400, 8000, 1600)),
		}
	})
}

func TestAnnouncementIsHeardBetweenTheMusicAndTheMusicGoesOn(t *testing.T) {
	for _, codec := range []negotiate.Codec{negotiate.PCMA, negotiate.PCMU, negotiate.G722} {
		t.Run(codec.String(), func(t *testing.T) {
			t.Parallel()
			r := sayRig(t)
			caller := r.phone(codec)
			r.Do(call.Play{Leg: caller.leg, Source: "music", Loop: true})
			heard := caller.hear(10)
			r.Do(call.Say{Leg: caller.leg, Clips: []string{"one", "nothing of the kind", "two"}, Then: "music"})
			heard = append(heard, caller.hear(60)...)
			oneStream(t, heard)
			at := map[float64][]int{}
			signal := linear(heard)
			for i := range heard {
				for _, f := range []float64{1600, 500, 2400} {
					if level(signal[160*i:160*(i+1)], f) > 4000 {
						at[f] = append(at[f], i)
					}
				}
			}
			one, two, music := at[500], at[2400], at[1600]
			least := 9
			if codec == negotiate.G722 {
				least = 6 // its decoder must first get used to the next clip
			}
			if len(one) < least || len(one) > 11 || len(two) < least || len(two) > 11 {
				t.Fatalf("prompts are heard in %d and %d packets, want 10 each", len(one), len(two))
			}
			if one[0] < 10 || one[len(one)-1] > two[0] || music[len(music)-1] < two[len(two)-1]+20 {
				t.Errorf("music in packets %v, first prompt in %v, second in %v", music, one, two)
			}
			for i, p := range heard[1:] {
				if p.marker {
					t.Errorf("packet %d has a marker though the stream goes on", i+1)
				}
			}
		})
	}
}

func TestWelcomeIsHeardBeforeTheMusicAlsoWhereTheLegOpensLater(t *testing.T) {
	t.Parallel()
	r := sayRig(t)
	r.Do(call.Say{Leg: "later", Clips: []string{"one"}, Then: "music"})
	caller := r.phoneAt(socket(t, "127.31.4.9"), "later", negotiate.PCMA)
	welcome := caller.hear(25) // of 10 packets; the first may be over before the leg is described
	if l := level(linear(welcome[:5]), 500); l < 7500 {
		t.Errorf("the prompt has level %.0f", l)
	}
	hasTone(t, welcome[15:], 1600, 500)
}

func TestPromptsWithNothingToFollowAreHeardOnceAndTheirEndIsTold(t *testing.T) {
	t.Parallel()
	r := sayRig(t)
	p := r.phone(negotiate.PCMA)
	r.Do(call.Say{Leg: p.leg, Clips: []string{"one", "two"}})
	heard := p.hear(20)
	hasTone(t, heard[2:8], 500, 2400)
	hasTone(t, heard[12:18], 2400, 500)
	r.want(p.leg, call.PromptDone{Source: "two"})
	r.Do(call.Say{Leg: p.leg, Clips: []string{"nothing of the kind"}})
	r.want(p.leg, call.PromptDone{})
}

// An agent who answers is heard at once: nothing of an announcement comes after the command that connects her.
func TestAgentsVoiceCutsAnAnnouncement(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) {
		dir := t.TempDir()
		c.Prompts = map[string]string{
			"music": writeWAV(t, dir, "m.wav", 8000, 1, sine(1600, 8000, 4000)),
			"long":  writeWAV(t, dir, "1.wav", 8000, 1, sine(500, 8000, 80000)),
		}
	})
	agent := r.phone(negotiate.PCMA)
	agent.speak(1000)
	soonest := time.Hour
	for range 5 { // a busy machine may be late once, not always
		caller := r.phone(negotiate.PCMA)
		r.Do(call.Say{Leg: caller.leg, Clips: []string{"long"}, Then: "music"})
		hasTone(t, caller.hear(10), 500, 1600, 1000)
		caller.forget()
		r.connect(call.Connect{A: caller.leg, B: agent.leg})
		before := time.Now()
		rest := caller.hearUntil(func(p received) bool { return p.marker })
		soonest = min(soonest, rest[len(rest)-1].at.Sub(before))
		if len(rest) > 4 {
			t.Errorf("%d packets of the announcement were heard after the agent answered", len(rest)-1)
		}
		hasTone(t, caller.hear(20), 1000, 500, 1600)
	}
	if soonest > 40*time.Millisecond {
		t.Errorf("the agent is heard after %v at the soonest", soonest)
	}
}

// The music goes on at the sample where it was left, and what is skipped counts.
func TestMusicGoesOnWhereItWas(t *testing.T) {
	ramp := func(from, n int) []int16 {
		s := make([]int16, n)
		for i := range s {
			s[i] = int16((from + i) * 8)
		}
		return s
	}
	music, said := newClip("music", ramp(0, 1000)), newClip("said", ramp(2000, 230))
	for _, skip := range []int{0, 100, 390, 470} {
		o := &outbound{codec: negotiate.PCMA}
		p := &playback{clip: music, loop: true}
		o.start(p)
		p.skip(700)
		if !o.say([]*clip{said, said}, music) {
			t.Fatal("not the music that is heard")
		}
		p.skip(skip)
		b := make([]byte, 460+300+100)
		if o.read(p, b) {
			t.Error("music ends")
		}
		var want []byte
		for _, c := range []*clip{said, said} {
			want = append(want, c.alaw...)
		}
		want = append(append(append(want, music.alaw[700:]...), music.alaw...), music.alaw...)[skip:]
		if string(b) != string(want[:len(b)]) {
			t.Errorf("skipped %d: the music goes on elsewhere", skip)
		}
	}
	o := &outbound{}
	if o.say([]*clip{said}, music) {
		t.Error("said to a leg that hears no music")
	}
	o.start(&playback{clip: music, loop: true})
	for range mostSaid + 5 {
		o.say([]*clip{said}, music)
	}
	if n := len(o.play.first); n != mostSaid {
		t.Errorf("%d clips wait to be said", n)
	}
}

func TestEveryClipOfAnnouncementsIsBuiltIn(t *testing.T) {
	lib, err := loadBuiltins()
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{call.Swedish, call.English} {
		for _, name := range append(call.AnnouncementClips(language), language+"-welcome", language+"-no-recording") {
			if c := lib[name]; c == nil || c.len() < 1000 || c.len() > 4*8000 {
				t.Errorf("clip %s is missing, or no part of a sentence", name)
			}
		}
	}
}

// What the switchboard says to callers and receptionists, in both languages: whole sentences, but for the one that a number
// follows.
func TestEveryServicePromptIsBuiltInAndSpoken(t *testing.T) {
	lib, err := loadBuiltins()
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{call.Swedish, call.English} {
		for _, part := range []string{"100", "100-and", "position-far", "closed", "callback-offer", "other-offer", "callback-left",
			"time-over", "logged-in", "logged-out", "paused", "resumed", "parked", "away-on", "away-off", "not-allowed"} {
			name := language + "-" + part
			c := lib[name]
			if c == nil || c.len() < 3000 || c.len() > 6*8000 {
				t.Errorf("prompt %s is missing, or no sentence", name)
				continue
			}
			loudest := 0
			for _, b := range c.alaw {
				loudest = max(loudest, int(decode(b, negotiate.PCMA)))
			}
			if loudest < 8000 || loudest > 20000 {
				t.Errorf("prompt %s is as loud as %d", name, loudest)
			}
		}
	}
	for _, name := range []string{"all-busy", "queue-full", "try-later", "timeout", "goodbye"} {
		if lib[name] == nil || lib["en-"+name] == nil {
			t.Errorf("prompt %s is not there in both languages", name)
		}
	}
}

func BenchmarkSay(b *testing.B) {
	music, said := newClip("music", sine(440, 8000, 8000)), newClip("said", sine(500, 8000, 1600))
	o, p := &outbound{codec: negotiate.PCMA}, &playback{clip: music, loop: true}
	clips := []*clip{said, said, said}
	buf := make([]byte, 160)
	b.ReportAllocs()
	for i := range b.N {
		if i%100 == 0 {
			p.first = clips
		}
		o.read(p, buf)
	}
}
