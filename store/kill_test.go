package store

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/record"
)

const (
	childDir   = "TELEFONIST_STORE_DIR"
	childFirst = "TELEFONIST_STORE_FIRST"
)

// What was acknowledged survives SIGKILL at any moment, exactly once, in every round on the same files.
func TestAcknowledgedCommitsSurviveKill(t *testing.T) {
	t.Parallel()
	rounds, seed := 20, rand.Uint64()
	if testing.Short() {
		rounds = 3
	}
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	acked := map[string]bool{} // "head 7", "entry 7", "final 7"
	for round := range rounds {
		killRound(t, dir, round*1_000_000, 1+rnd.IntN(300), acked)
		verifyAcked(t, dir, acked)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	t.Logf("%d acknowledged commits", len(acked))
}

// killRound lets a child commit until it has acknowledged enough, and kills it.
func killRound(t *testing.T, dir string, first, enough int, acked map[string]bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=kill", childDir+"="+dir, childFirst+"="+strconv.Itoa(first))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(deadline, func() { cmd.Process.Kill() })
	defer guard.Stop()
	n := 0
	for lines := bufio.NewScanner(out); lines.Scan(); n++ { // what it said before it died counts too
		if word, ok := strings.CutSuffix(lines.Text(), "."); ok { // a whole line
			acked[word] = true
		}
		if n == enough {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd.Wait()
	if n < enough {
		t.Fatalf("the child ended after %d of %d lines: %s", n, enough, stderr.String())
	}
}

// verifyAcked opens the store as a restart does, and looks for everything that was acknowledged.
func verifyAcked(t *testing.T, dir string, acked map[string]bool) {
	t.Helper()
	s := open(t, dir, Options{})
	live, err := s.Recover()
	if err != nil {
		t.Fatal(err)
	}
	stories := map[call.ID]int{}
	for _, o := range live {
		stories[o.Head.Call] = len(o.Story)
	}
	seen := map[call.ID]int{}
	for _, id := range all(t, s, Filter{}) {
		seen[id]++
	}
	for word := range acked {
		what, number, _ := strings.Cut(word, " ")
		n, err := strconv.Atoi(number)
		if err != nil {
			t.Fatalf("line %q: %v", word, err)
		}
		story, isLive := stories[id(n)]
		switch records := seen[id(n)]; {
		case records > 1, records == 1 && isLive:
			t.Errorf("call %d has %d records, and a journal: %v", n, records, isLive)
		case records == 1: // its end is on disk, told of or not
		case what == "final", !isLive, what == "entry" && story < 3:
			t.Errorf("%q was acknowledged and is lost: live %v, story of %d", word, isLive, story)
		}
	}
	checkAndClose(t, s)
}

// runKillChild commits until it is killed, and prints what it is told is on disk. Like the server, it first closes the
// calls that the last crash left open.
func runKillChild() {
	first, err := strconv.Atoi(os.Getenv(childFirst))
	s, err2 := Open(os.Getenv(childDir), Options{Logger: quiet()})
	if err := errors.Join(err, err2); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	live, err := s.Recover()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, o := range live {
		r := record.Interrupted(o)
		s.Commit(record.Commit{Call: r.Call, Final: &r}, func(error) {})
	}
	var calls sync.WaitGroup
	for lane := range 8 {
		calls.Go(func() {
			for n := first + lane; ; n += 8 {
				for _, c := range []struct {
					what   string
					commit record.Commit
				}{{"head", headOf(n)}, {"entry", entries(n, 1, 2)}, {"final", finalOf(n)}} {
					done := make(chan error)
					s.Commit(c.commit, func(err error) { done <- err })
					if err := <-done; err != nil {
						fmt.Fprintln(os.Stderr, err)
						os.Exit(1)
					}
					fmt.Printf("%s %d.\n", c.what, n)
				}
			}
		})
	}
	calls.Wait()
}
