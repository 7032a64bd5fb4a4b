package media

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"telefonist/internal/load"
)

// portableTests tells which strategy the tests run with.
var portableTests bool

// bothStrategies runs the tests with each way of carrying flows. Benchmarks and fuzzing run once.
type bothStrategies struct{ m *testing.M }

func (b bothStrategies) Run() int {
	code := b.m.Run()
	if code != 0 || isSet("test.bench") || isSet("test.fuzz") || isSet("test.list") {
		return code
	}
	portableTests = true
	fmt.Println("again with a goroutine for each port")
	return b.m.Run()
}

func isSet(name string) bool {
	f := flag.Lookup(name)
	return f != nil && f.Value.String() != ""
}

func TestMain(m *testing.M) {
	if os.Getenv(load.Role) != "" {
		os.Exit(load.Serve())
	}
	goleak.VerifyTestMain(bothStrategies{m})
}

// portsOf are the ports behind a strategy.
func portsOf(s sockets) *ports { return s.(interface{ portsBehind() *ports }).portsBehind() }

func (p *ports) portsBehind() *ports { return p }
