package deploy_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
)

// required are the metrics that must be there at zero before the first call, with the series that each must have.
var required = map[string][]string{
	"telefonist_calls_total": {`result="answered"`, `result="mediated"`, `result="abandoned"`, `result="timeout"`,
		`result="queue_full"`, `result="forwarded"`, `result="failed"`, `result="interrupted"`, `result="unknown_number"`,
		`result="unavailable"`, `result="returned"`},
	"telefonist_calls_active":       nil,
	"telefonist_queue_waiting":      nil,
	"telefonist_queue_wait_seconds": nil,
	"telefonist_handling_seconds":   nil,
	"telefonist_agents": {`state="offline"`, `state="available"`, `state="ringing"`, `state="talking"`, `state="wrap_up"`,
		`state="paused"`},
	"telefonist_threshold_crossings_total": {`threshold="warning"`, `threshold="included"`, `threshold="long"`},
	"telefonist_rows_total": {`tariff="1"`, `tariff="2"`, `tariff="3"`, `tariff="4"`, `tariff="5"`, `tariff="6"`,
		`tariff="1+2"`, `tariff="3+4"`},
	"telefonist_sip_requests_total": {`direction="in",method="INVITE"`, `direction="out",method="INVITE"`,
		`direction="in",method="REGISTER"`, `direction="out",method="BYE"`, `direction="in",method="other"`},
	"telefonist_sip_responses_total": {`class="1xx",direction="in"`, `class="2xx",direction="in"`,
		`class="4xx",direction="out"`, `class="5xx",direction="out"`, `class="6xx",direction="in"`},
	"telefonist_rtp_packets_total":    {`direction="in"`, `direction="out"`},
	"telefonist_rtp_lost_total":       nil,
	"telefonist_store_commit_seconds": nil,
	"telefonist_calls_stuck":          nil,
}

func TestRequiredMetricsArePresentAtZeroBeforeTheFirstCall(t *testing.T) {
	families := metrics(t)
	for name, wanted := range required {
		family := families[name]
		if family == nil {
			t.Errorf("%s is not there", name)
			continue
		}
		if wanted == nil {
			wanted = []string{""}
		}
		for _, labels := range wanted {
			i := slices.IndexFunc(family.Metric, func(m *dto.Metric) bool { return labelsOf(m) == labels })
			if i < 0 {
				t.Errorf("%s{%s} is not there", name, labels)
			} else if v := value(family.Metric[i]); v != 0 && name != "telefonist_store_commit_seconds" {
				t.Errorf("%s{%s} = %v before the first call", name, labels, v)
			}
		}
	}
}

func labelsOf(m *dto.Metric) string {
	var pairs []string
	for _, l := range m.Label {
		pairs = append(pairs, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, ",")
}

func value(m *dto.Metric) float64 {
	switch {
	case m.Counter != nil:
		return m.Counter.GetValue()
	case m.Gauge != nil:
		return m.Gauge.GetValue()
	default:
		return float64(m.Histogram.GetSampleCount())
	}
}

// dashboard is what the tests need of the dashboard's JSON.
type dashboard struct {
	Panels []struct {
		ID          int
		Type, Title string
		Description string
		Targets     []struct{ Expr, LegendFormat string }
		GridPos     struct{ X, Y, W, H int }
		FieldConfig struct{ Defaults struct{ Unit string } }
	}
	Templating struct {
		List []struct{ Name, Definition string }
	}
}

func loadDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "grafana/telefonist.json")), &d); err != nil {
		t.Fatalf("grafana/telefonist.json: %v", err)
	}
	return d
}

func TestEveryPanelNamesMetricsThatExist(t *testing.T) {
	families, d := metrics(t), loadDashboard(t)
	for _, p := range d.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q asks for nothing", p.Title)
		}
		for _, target := range p.Targets {
			if found := checkExpression(t, families, fmt.Sprintf("panel %q", p.Title), target.Expr); found == 0 {
				t.Errorf("panel %q names no metric: %s", p.Title, target.Expr)
			}
		}
	}
	for _, v := range d.Templating.List {
		checkExpression(t, families, "variable "+v.Name, v.Definition)
	}
}

func TestEveryRuleNamesMetricsThatExist(t *testing.T) {
	families := metrics(t)
	for _, a := range alerts(t) {
		if found := checkExpression(t, families, a.name, a.expr); found == 0 && a.name != "TelefonistDown" {
			t.Errorf("%s names no metric: %s", a.name, a.expr)
		}
	}
}

var (
	metricName = regexp.MustCompile(`\b(?:telefonist|process)_[a-z0-9_]+(\{[^}]*\})?`)
	matcher    = regexp.MustCompile(`([a-z_]+)(=~|=|!=|!~)"([^"]*)"`)
	byLabels   = regexp.MustCompile(`\bby \(([^)]*)\)`)
	targetTags = []string{"instance", "job"} // what Prometheus itself adds
)

// checkExpression finds the metrics that an expression names, and whether the label values that it picks exist. It
// returns how many it found.
func checkExpression(t *testing.T, families map[string]*dto.MetricFamily, where, expr string) int {
	t.Helper()
	names := metricName.FindAllString(expr, -1)
	labels := slices.Clone(targetTags)
	for _, found := range names {
		name, selector, _ := strings.Cut(found, "{")
		family := familyOf(families, name)
		if family == nil {
			t.Errorf("%s names %s, which does not exist", where, name)
			continue
		}
		for _, l := range family.Metric[0].Label {
			labels = append(labels, l.GetName())
		}
		if family.GetType() == dto.MetricType_HISTOGRAM {
			labels = append(labels, "le")
		}
		for _, m := range matcher.FindAllStringSubmatch(selector, -1) {
			checkMatcher(t, family, where, m[1], m[3])
		}
	}
	for _, by := range byLabels.FindAllStringSubmatch(expr, -1) {
		for _, l := range strings.Split(by[1], ",") {
			if l = strings.TrimSpace(l); !slices.Contains(labels, l) {
				t.Errorf("%s groups by %s, which none of its metrics has", where, l)
			}
		}
	}
	return len(names)
}

func checkMatcher(t *testing.T, family *dto.MetricFamily, where, label, values string) {
	t.Helper()
	if slices.Contains(targetTags, label) || label == "le" {
		return
	}
	for _, want := range strings.Split(values, "|") {
		there := slices.ContainsFunc(family.Metric, func(m *dto.Metric) bool {
			return slices.ContainsFunc(m.Label, func(l *dto.LabelPair) bool { return l.GetName() == label && l.GetValue() == want })
		})
		if !there {
			t.Errorf("%s picks %s{%s=%q}, which does not exist", where, family.GetName(), label, want)
		}
	}
}

// familyOf finds a metric by a name that may be one series of a histogram.
func familyOf(families map[string]*dto.MetricFamily, name string) *dto.MetricFamily {
	if f := families[name]; f != nil {
		if f.GetType() == dto.MetricType_HISTOGRAM {
			return nil // a histogram has no series of its bare name
		}
		return f
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		base, cut := strings.CutSuffix(name, suffix)
		if f := families[base]; cut && f != nil && f.GetType() == dto.MetricType_HISTOGRAM {
			return f
		}
	}
	return nil
}

func TestDashboardIsWhole(t *testing.T) {
	d := loadDashboard(t)
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("panel %q has the id %d of another", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.Type != "row" && p.Description == "" {
			t.Errorf("panel %q says nothing of what it shows", p.Title)
		}
		if p.Type != "row" && p.Type != "heatmap" && p.FieldConfig.Defaults.Unit == "" {
			t.Errorf("panel %q has no unit", p.Title)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, used := taken[[2]int{x, y}]; used || x >= 24 {
					t.Fatalf("panel %q covers %q or leaves the page", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

// The dashboard's expressions are given to promtool as recording rules, so that Prometheus' own parser reads them.
func TestDashboardExpressionsAreValid(t *testing.T) {
	promtool := tool(t, "promtool")
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	n := 0
	for _, p := range loadDashboard(t).Panels {
		for _, target := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*").Replace(target.Expr)
			quoted, _ := json.Marshal(expr)
			fmt.Fprintf(&rules, "      - {record: \"panel:%d\", expr: %s}\n", n, quoted)
			n++
		}
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "", promtool, "check", "rules", file)
}
