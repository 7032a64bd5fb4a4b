package media

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"telefonist/internal/load"
)

// portableTests and sharedTests tell which strategy the tests run with: ports of their own on loops, where neither is set.
var portableTests, sharedTests bool

// allStrategies runs the tests with each way of carrying flows. Benchmarks and fuzzing run once.
type allStrategies struct{ m *testing.M }

func (s allStrategies) Run() int {
	code := s.m.Run()
	if code != 0 || isSet("test.bench") || isSet("test.fuzz") || isSet("test.list") {
		return code
	}
	sharedTests = true
	fmt.Println("again with shared ports")
	if code = s.m.Run(); code != 0 {
		return code
	}
	sharedTests, portableTests = false, true
	fmt.Println("again with a goroutine for each port")
	return s.m.Run()
}

// needsOwnPorts leaves out a test of what is true only where a leg has ports of its own.
func needsOwnPorts(t *testing.T) {
	t.Helper()
	if sharedTests {
		t.Skip("of legs with ports of their own")
	}
}

func isSet(name string) bool {
	f := flag.Lookup(name)
	return f != nil && f.Value.String() != ""
}

func TestMain(m *testing.M) {
	if os.Getenv(load.Role) != "" {
		os.Exit(load.Serve())
	}
	goleak.VerifyTestMain(allStrategies{m})
}

// portsOf are the ports behind a strategy.
func portsOf(s sockets) *ports { return s.(interface{ portsBehind() *ports }).portsBehind() }

func (p *ports) portsBehind() *ports { return p }
