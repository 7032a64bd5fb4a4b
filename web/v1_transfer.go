package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/account"
	"telefonist/directory"
)

// maxUpload bounds an upload, in bytes.
const maxUpload = 32 << 20

// ImportReport tells the fate of each row of a file.
type ImportReport struct {
	Job     string                 `json:"job,omitempty" doc:"The import that was begun; missing where nothing is written"`
	Counts  directory.ImportCounts `json:"counts"`
	Errors  int                    `json:"errors" doc:"Rows that are wrong. Unless skip_errors is set, one is enough that nothing is written"`
	Ignored []string               `json:"ignored_columns"`
	Rows    []directory.RowFate    `json:"rows"`
}

// ImportJob is an import that was begun.
type ImportJob struct {
	ID     string                 `json:"id"`
	State  string                 `json:"state" enum:"running,done,failed"`
	Done   int                    `json:"done" doc:"People that are staged"`
	Total  int                    `json:"total"`
	Counts directory.ImportCounts `json:"counts"`
	Error  string                 `json:"error,omitempty"`
}

// imports are those that were begun since the start, the newest last.
type imports struct {
	mu      sync.Mutex // protects what is below
	jobs    map[string]*ImportJob
	order   []string
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	closed  bool
}

// maxJobs is how many imports are remembered.
const maxJobs = 200

func (i *imports) close() {
	i.mu.Lock()
	i.closed = true
	if i.cancel != nil {
		i.cancel()
	}
	i.mu.Unlock()
	i.running.Wait()
}

// begin runs an import on a goroutine of its own, unless one of the tenant runs already.
func (i *imports) begin(tenant string, run func(ctx context.Context, progress func(done, total int)) (directory.ImportCounts, error)) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return "", huma.Error503ServiceUnavailable("the service is being stopped")
	}
	for key, job := range i.jobs {
		if strings.HasPrefix(key, tenant+"/") && job.State == "running" {
			return "", directory.ErrImporting
		}
	}
	if i.jobs == nil {
		i.jobs = map[string]*ImportJob{}
		i.ctx, i.cancel = context.WithCancel(context.Background())
	}
	job := &ImportJob{ID: newID(), State: "running"}
	key := tenant + "/" + job.ID
	i.jobs[key], i.order = job, append(i.order, key)
	if len(i.order) > maxJobs {
		delete(i.jobs, i.order[0])
		i.order = i.order[1:]
	}
	i.running.Add(1)
	go func() {
		defer i.running.Done()
		counts, err := run(i.ctx, func(done, total int) {
			i.mu.Lock()
			defer i.mu.Unlock()
			job.Done, job.Total = done, total
		})
		i.mu.Lock()
		defer i.mu.Unlock()
		if job.Counts, job.State = counts, "done"; err != nil {
			job.State, job.Error = "failed", err.Error()
		}
	}()
	return job.ID, nil
}

func (i *imports) job(tenant, id string) (ImportJob, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	job := i.jobs[tenant+"/"+id]
	if job == nil {
		return ImportJob{}, false
	}
	return *job, true
}

type importInput struct {
	Tenanted
	DryRun     bool   `query:"dry_run" doc:"Only tell each row's fate"`
	Replace    bool   `query:"replace" doc:"Remove people whom the file does not have"`
	SkipErrors bool   `query:"skip_errors" doc:"Write the rows that are right though others are wrong"`
	RawBody    []byte `contentType:"application/octet-stream" doc:"CSV (UTF-8, UTF-16 or Windows-1252; semicolons, commas or tabs) or XLSX"`
}

type exportInput struct {
	Tenanted
	Format string `query:"format" enum:"json,csv,xlsx" default:"json" doc:"json holds everything but door codes; csv and xlsx hold the people"`
}

type exportOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// Export is everything of a tenant but its door codes. Read again it gives the same.
type Export struct {
	Tenant   string           `json:"tenant"`
	Exported time.Time        `json:"exported"`
	Items    []directory.Item `json:"items"`
}

func (s *v1) transferRoutes() {
	slow := func(op *huma.Operation) {
		op.MaxBodyBytes, op.BodyReadTimeout, op.Middlewares = maxUpload, 2*time.Minute, huma.Middlewares{s.upload}
		op.Errors = append(op.Errors, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable)
	}
	register(s, http.MethodPost, "/tenants/{tenant}/imports", "import-people", "Import people from a CSV or XLSX file: staged, then switched at once", writing, s.importPeople, slow)
	register(s, http.MethodGet, "/tenants/{tenant}/imports/{id}", "get-import", "How far an import is", writing,
		func(_ context.Context, in *ItemPath) (*struct{ Body ImportJob }, error) {
			job, known := s.imports.job(in.Tenant, in.ID)
			if !known {
				return nil, directory.ErrNotFound
			}
			return &struct{ Body ImportJob }{job}, nil
		})
	register(s, http.MethodGet, "/tenants/{tenant}/export", "export", "Everything of the tenant in one file; referrals need the scope referrals:read", reading, s.export,
		failing(http.StatusServiceUnavailable))
	register(s, http.MethodPost, "/tenants/{tenant}/restore", "restore-export", "Write what an export in JSON holds; what it does not hold stays", writing, s.restoreExport, slow)
}

func (s *v1) importPeople(ctx context.Context, in *importInput) (*struct {
	Status int
	Body   ImportReport
}, error) {
	header, rows, err := s.Tables.Read(in.RawBody)
	if err != nil {
		return nil, huma.Error422UnprocessableEntity(err.Error(), &huma.ErrorDetail{Location: "body", Message: err.Error()})
	}
	since, err := s.Store.Seq(in.Tenant) // before anything is read: what is changed from now on stands
	if err != nil {
		return nil, err
	}
	book := directory.NewBook()
	people, err := every[directory.Person](s.Store, in.Tenant, directory.KindPerson, "")
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		book.Add(p.ID, p.Doc)
	}
	plan, err := directory.PlanImport(book, header, rows, directory.PlanOptions{Region: s.region(in.Tenant), Replace: in.Replace, NewID: newID,
		IsCommon: func(number string) bool { return s.checkCommon(in.Tenant, number) == nil }})
	if err != nil {
		return nil, huma.Error422UnprocessableEntity(err.Error(), &huma.ErrorDetail{Location: "body", Message: err.Error()})
	}
	counts, refused := plan.Counts()
	out := &struct {
		Status int
		Body   ImportReport
	}{http.StatusOK, ImportReport{Counts: counts, Errors: refused, Ignored: plan.Ignored, Rows: plan.Fates}}
	switch {
	case in.DryRun:
		return out, nil
	case refused > 0 && !in.SkipErrors:
		out.Status = http.StatusUnprocessableEntity
		return out, nil
	}
	upserts := map[string]json.RawMessage{}
	for id, p := range plan.Upserts {
		if upserts[id], err = json.Marshal(p); err != nil {
			return nil, err
		}
	}
	out.Status = http.StatusAccepted
	if out.Body.Job, err = s.begin(in.Tenant, directory.PeopleImport{Upserts: upserts, Removed: plan.Removed, Unchanged: counts.Unchanged, Since: &since,
		By: actor(ctx, "import"), At: s.Now()}); err != nil {
		return nil, err
	}
	return out, nil
}

func (s *v1) begin(tenant string, in directory.PeopleImport) (string, error) {
	return s.imports.begin(tenant, func(ctx context.Context, progress func(int, int)) (directory.ImportCounts, error) {
		in.Progress = progress
		counts, err := s.Store.ImportPeople(ctx, tenant, in)
		if err == nil {
			s.Metrics.imported.Inc()
		}
		s.Log.Info("import of people", "tenant", tenant, "by", in.By.Name, "counts", counts, "err", err)
		return counts, err
	})
}

func (s *v1) export(ctx context.Context, in *exportInput) (*exportOutput, error) {
	leave, err := s.exports.enter(ctx, in.Tenant, "export")
	if err != nil {
		return nil, err
	}
	defer leave()
	var b bytes.Buffer
	out := &exportOutput{Disposition: `attachment; filename="` + in.Tenant + "." + in.Format + `"`}
	if in.Format == "json" {
		out.ContentType = "application/json"
		err := s.exportAll(ctx, in.Tenant, &b)
		out.Body = b.Bytes()
		return out, err
	}
	people, err := every[directory.Person](s.Store, in.Tenant, directory.KindPerson, "")
	if err != nil {
		return nil, err
	}
	rows := make([][]string, 0, len(people))
	for _, p := range people {
		rows = append(rows, directory.PersonRow(p.ID, p.Doc))
	}
	out.ContentType = "text/csv; charset=utf-8"
	if in.Format == "csv" {
		err = s.Tables.WriteCSV(&b, directory.PersonColumns(), rows)
	} else {
		out.ContentType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
		err = s.Tables.WriteXLSX(&b, "people", directory.PersonColumns(), rows)
	}
	out.Body = b.Bytes()
	return out, err
}

// exported are the kinds of an export, in the order in which they can be written again.
func exported() []directory.Kind {
	return slices.DeleteFunc(directory.Kinds(), func(k directory.Kind) bool { return k == directory.KindDoorCode })
}

func (s *v1) exportAll(ctx context.Context, tenant string, b *bytes.Buffer) error {
	all := Export{Tenant: tenant, Exported: s.Now().UTC(), Items: []directory.Item{}}
	for _, k := range exported() {
		if k == directory.KindReferral && !identity(ctx).May(tenant, account.ReadReferrals) {
			continue
		}
		for after, more := "", true; more; {
			items, err := s.Store.Items(tenant, k, "", after, 1000)
			if err != nil {
				return err
			}
			if more = len(items) == 1000; more {
				after = items[len(items)-1].ID
			}
			all.Items = append(all.Items, items...)
		}
	}
	return json.NewEncoder(b).Encode(all)
}

// restoreChunk is how many items one transaction of a restore writes, so that others' edits wait for as many at most.
const restoreChunk = 500

// restoreExport writes what an export holds: people as an import does, then the rest in chunks. What was written before a failure
// stays, and asking again writes what is left.
func (s *v1) restoreExport(ctx context.Context, in *struct {
	Tenanted
	RawBody []byte `contentType:"application/octet-stream" doc:"An export in JSON"`
}) (*struct {
	Body directory.ImportCounts
}, error) {
	var all Export
	if err := json.Unmarshal(in.RawBody, &all); err != nil {
		return nil, huma.Error422UnprocessableEntity("this is no export: "+err.Error(), &huma.ErrorDetail{Location: "body", Message: err.Error()})
	}
	since, err := s.Store.Seq(in.Tenant)
	if err != nil {
		return nil, err
	}
	people, edits, err := s.restored(ctx, in.Tenant, all.Items)
	if err != nil {
		return nil, err
	}
	people.Since = &since
	people.By, people.At = actor(ctx, "import"), s.Now()
	counts, err := s.Store.ImportPeople(ctx, in.Tenant, people)
	if err != nil {
		return nil, err
	}
	written := 0
	for chunk := range slices.Chunk(edits, restoreChunk) {
		if _, err := s.Store.Edit(in.Tenant, people.By, people.At, chunk...); err != nil {
			return nil, s.halfWay(ctx, written, len(edits), err)
		}
		written += len(chunk)
	}
	return &struct{ Body directory.ImportCounts }{counts}, nil
}

// halfWay tells how far a restore came. What an item belongs to may have been deleted by hand since it was looked at: sending the file again
// brings that back too.
func (s *v1) halfWay(ctx context.Context, written, all int, err error) error {
	s.Log.ErrorContext(ctx, "api: a restore ended half-way", "who", identity(ctx).Name, "written", written, "of", all, "err", err)
	text := fmt.Sprintf("the people are written, and %d of %d other items: send the file again", written, all)
	if isNotFound(err) {
		return huma.Error409Conflict(text)
	}
	return huma.Error503ServiceUnavailable(text)
}
