package switchboard

import (
	"testing"
	"time"

	"telefonist/call"
)

func TestAConsultationEndsTheHoldOfTheConsole(t *testing.T) {
	play(t, crew(nil, named("anna")), func(s *stage) {
		p := scripted(s)
		_, agent := p.talks()
		p.does(Order{Agent: "anna", Do: call.ActHold})
		p.after(5*time.Second - 2*time.Millisecond)
		p.does(Order{Agent: "anna", Do: call.ActAnnounce, To: "205"})
		p.send(p.leg(), call.Failed{Code: 486})
		p.after(time.Minute)
		p.send(agent, bye)
		if n := counted(p.only()); n.Hold != 5*time.Second || n.Talk < time.Minute {
			t.Errorf("held for %v, talked for %v", n.Hold, n.Talk)
		}
	})
}

func TestAHoldOfThePhoneGoesOnAfterARecall(t *testing.T) {
	play(t, crew(nil, named("anna")), func(s *stage) {
		p := scripted(s)
		_, agent := p.talks()
		p.send(agent, call.Held{})
		p.after(3*time.Second - 2*time.Millisecond)
		p.send(agent, call.Referred{Ref: "r", Target: "205"})
		p.after(4 * time.Second) // no hold: she has left them to each other
		p.send(p.leg(), call.Failed{Code: 486})
		p.after(7*time.Second - 2*time.Millisecond)
		p.send(agent, call.Resumed{})
		p.after(20 * time.Second)
		p.send(agent, bye)
		if n := counted(p.only()); n.Hold != 10*time.Second {
			t.Errorf("held for %v, talked for %v", n.Hold, n.Talk)
		}
	})
}

// TestAConsultationEndsNoHoldOfThePhone: the console held the caller first, and then her phone as she dialled a second call.
func TestAConsultationEndsNoHoldOfThePhone(t *testing.T) {
	play(t, crew(nil, named("anna")), func(s *stage) {
		p := scripted(s)
		_, agent := p.talks()
		p.does(Order{Agent: "anna", Do: call.ActHold})
		p.send(agent, call.Held{})
		p.after(5 * time.Second)
		p.in("second", call.Dialled{Agent: "anna", Target: "205"})
		p.after(2 * time.Millisecond)
		p.send(p.leg(), call.Failed{Code: 486})
		p.after(10 * time.Second)
		p.send(agent, call.Resumed{})
		p.after(time.Minute)
		p.send(agent, bye)
		if n := counted(p.only()); n.Hold < 15*time.Second || n.Hold > 16*time.Second || n.Talk < time.Minute {
			t.Errorf("held for %v, talked for %v", n.Hold, n.Talk)
		}
	})
}
