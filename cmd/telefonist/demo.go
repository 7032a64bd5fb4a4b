package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"telefonist/account"
	"telefonist/app"
	"telefonist/app/demo"
	"telefonist/call"
	"telefonist/config"
	"telefonist/record"
	"telefonist/web"
	"telefonist/web/console"
	"telefonist/web/portal"
)

// onceCalls is how many calls --once places.
const onceCalls = 20

// demoFlags are the flags of the demonstration.
type demoFlags struct {
	once   bool
	calls  int
	limits string
	dir    string
	seed   uint64
}

func demoCommand() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the server at work in a small simulated world",
		Long: `Start the server on embedded defaults in a fresh folder, with three sample companies and four receptionists, and let
a simulated PBX and four softphones play calls against it: real SIP and RTP on loopback. Some callers give up, some are
connected further, some calls take longer than what is included. Ctrl-C ends it with a summary.

The marks of handling time, 45 s and 2 min in earnest, are scaled by --limits, and the sample companies' plans have day
periods of their own, so that all six tariffs show within a minute at any time of the day.

Every call is compared with what the phones saw and heard; exit code 5 tells that something did not add up.`,
		Example: "  telefonist demo --once\n  telefonist demo --limits 9s,24s",
		RunE: func(cmd *cobra.Command, _ []string) error {
			limits, err := demo.ParseLimits(f.limits)
			if err != nil {
				return exit(exitUsage, err)
			}
			if f.calls < 0 {
				return exit(exitUsage, errors.New("--calls must not be negative"))
			}
			if f.once && f.calls == 0 {
				f.calls = onceCalls
			}
			return runDemo(cmd.Context(), cmd.OutOrStdout(), f, limits)
		},
	}
	cmd.Flags().BoolVar(&f.once, "once", false, fmt.Sprintf("end by itself after %d calls, or after --calls", onceCalls))
	cmd.Flags().IntVar(&f.calls, "calls", 0, "end after `N` calls; 0 means until Ctrl-C")
	cmd.Flags().StringVar(&f.limits, "limits", demo.DefaultLimits.String(), "included and long handling `TIME,TIME`")
	cmd.Flags().StringVar(&f.dir, "dir", "", "keep the store in this `DIR`; default a fresh temporary folder")
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "order of the script; 0 takes a random one and prints it")
	return cmd
}

// runDemo plays the world against a server in this process and judges the outcome.
func runDemo(ctx context.Context, out io.Writer, f demoFlags, limits demo.Limits) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if f.seed == 0 {
		f.seed = rand.Uint64()
	}
	dir, err := demoFolder(f.dir)
	if err != nil {
		return err
	}
	world, err := demo.Open(demo.Config{Limits: limits})
	if err != nil {
		return err
	}
	table := demo.NewTable(out)
	names := map[string]string{} // written by the server's loop until it has stopped
	a, err := demoServer(world, limits, dir, func(h *record.Head, e call.Entry, ended *record.Record) {
		names[h.Rules.Tenant] = h.Rules.TenantName
		table.Observe(h, e, ended)
	})
	if err != nil {
		table.Close()
		return errors.Join(err, world.Close(ctx))
	}
	sipAddr := udpAddr(a)
	fmt.Fprintf(out, "telefonist %s: SIP on udp and tcp %s, metrics on http://%s/metrics, store in %s\n", app.Version(), sipAddr, a.WebAddr(), a.StoreDir())
	fmt.Fprintf(out, "limits %s in place of 45s,2m; seed %d; Ctrl-C ends the demonstration\n", limits, f.seed)
	err = furnish(ctx, out, a, world.Agents()[0])
	fmt.Fprintln(out)
	if err != nil {
		table.Close()
		return errors.Join(err, world.Close(ctx), a.Stop(ctx))
	}
	expected, err := world.Run(ctx, demo.Options{Server: sipAddr, Calls: f.calls, Seed: f.seed, Happened: table.Happened})
	ending, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err = errors.Join(err, world.Close(ending), a.Stop(ending))
	table.Close()
	if err != nil {
		return err
	}
	return judge(out, dir, names, expected)
}

// furnish writes the sample companies' directories, and says where the pages are in a browser and what to sign in with: for one who looks on,
// for a receptionist, and for a company.
func furnish(ctx context.Context, out io.Writer, a *app.App, as demo.Agent) error {
	c, err := web.Dial(app.SocketPath(a.StoreDir()))
	if err != nil {
		return err
	}
	defer c.Close()
	items, err := demo.Directory()
	if err != nil {
		return err
	}
	for _, it := range items {
		if err := c.Put(ctx, it.Tenant, it.Path, it.Doc); err != nil {
			return fmt.Errorf("write %s of %s: %w", it.Path, it.Tenant, err)
		}
	}
	supervisor, err := c.CreateToken(ctx, web.TokenRequest{Name: "Demo", Scopes: []string{string(account.Supervise)}})
	if err != nil {
		return err
	}
	receptionist, err := c.CreateToken(ctx, web.TokenRequest{Name: as.Name, Agent: as.ID, Scopes: []string{string(account.Work)}})
	if err != nil {
		return err
	}
	company, err := c.CreateToken(ctx, web.TokenRequest{Name: "Demo", Tenant: demo.Company, Scopes: []string{string(account.ReadDirectory), string(account.WriteReferrals)}})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "the desk in a browser: http://%s%s\n  sign in as a supervisor with %s\n  or as %s with %s\na company's own page: http://%s%s\n  sign in with %s\n",
		a.WebAddr(), console.Path, supervisor.Token, as.Name, receptionist.Token, a.WebAddr(), portal.Path, company.Token)
	return err
}

// judge prints the summary and compares the records with what had to happen.
func judge(out io.Writer, dir string, names map[string]string, expected []demo.Expectation) error {
	records, err := recordsIn(dir)
	if err != nil {
		return err
	}
	summary := demo.Summary{Records: records, Names: names, Stored: filepath.Join(dir, "calls.db")}
	if err := summary.Write(out); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nSee them with: telefonist calls list --store %s\n", dir)
	wrong := demo.Check(expected, records)
	for _, m := range wrong {
		fmt.Fprintln(os.Stderr, "does not add up:", m)
	}
	if len(wrong) > 0 {
		return exit(exitMismatch, fmt.Errorf("%d things did not add up; the log is in %s", len(wrong), filepath.Join(dir, demoLog)))
	}
	refused := ""
	if n := len(expected) - len(records); n > 0 {
		refused = fmt.Sprintf(", none for %d that had to be refused", n)
	}
	fmt.Fprintf(out, "All %d calls add up: one record each%s, one row for each answered call, and everyone heard whom they should.\n", len(expected), refused)
	return nil
}

func recordsIn(dir string) ([]record.Record, error) {
	r, err := app.OpenReader(dir)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var all []record.Record
	err = r.Calls(context.Background(), web.Query{}, func(rec record.Record) error {
		all = append(all, rec)
		return nil
	})
	return all, err
}

func demoFolder(dir string) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", "telefonist-demo-")
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return "", exit(exitUsage, fmt.Errorf("--dir %s is not empty: name a folder that is empty or does not exist", dir))
	}
	return dir, os.MkdirAll(dir, 0o700)
}

// demoLog is the server's log in the store's folder: the screen belongs to the table.
const demoLog = "demo.log"

func demoServer(world *demo.World, limits demo.Limits, dir string, observe func(*record.Head, call.Entry, *record.Record)) (*app.App, error) {
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	main, tenants, err := demo.Setup{
		SIP: freePort(loopback, 5060, true), Web: freePort(loopback, 8080, false), Store: dir, PBX: world.PBX(),
		Limits: limits, Agents: world.Agents(),
	}.Files()
	if err != nil {
		return nil, err
	}
	cfg, err := config.LoadBytes("demo", main, tenants)
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(dir, demoLog), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	a, err := app.New(cfg, app.Options{Log: log, Observe: observe})
	if err != nil {
		return nil, err
	}
	return a, a.Start(context.Background())
}

// freePort returns the first port from the given one on that nobody uses: for TCP, and for UDP where both are wanted.
// Another program may take it before we do; the start then fails and says so.
func freePort(ip netip.Addr, from uint16, both bool) netip.AddrPort {
	for port := from; port < from+1000; port++ {
		addr := netip.AddrPortFrom(ip, port)
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(addr))
		if err != nil {
			continue
		}
		l.Close()
		if !both {
			return addr
		}
		u, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
		if err != nil {
			continue
		}
		u.Close()
		return addr
	}
	return netip.AddrPortFrom(ip, from)
}

func udpAddr(a *app.App) netip.AddrPort {
	for _, s := range a.SIPAddrs() {
		if s.Network == "udp" {
			return s.AddrPort
		}
	}
	return netip.AddrPort{}
}
