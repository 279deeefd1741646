package jobs_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const (
	// mixedVariable says how many jobs TestRiverAndTasksAgree takes; the whole are 10000.
	mixedVariable = "PALISADE_TEST_MIXED_JOBS"
	mixedPoint    = "mixed"
	mixedAtOnce   = 16
)

// mixedKinds is a registry of one kind whose jobs end in every way there is. Each end leaves a note of its own on the task.
func mixedKinds() *jobs.Registry {
	registry := jobs.NewRegistry()
	ended := func(ctx context.Context, tx *tenant.Tx, end jobs.End) error {
		return tenantdb.New(tx).NoteTask(ctx, tenantdb.NoteTaskParams{ID: end.Run.Task, Metadata: []byte(`{"end ` + uuid.NewString() + `": "` + string(end.State) + `"}`)})
	}
	options := jobs.Options{Timeout: 400 * time.Millisecond, Grace: 50 * time.Millisecond, Retries: 50, Crashes: 1000, Ended: ended}
	jobs.Register(registry, jobs.Scans, options, func(ctx context.Context, run jobs.Run, args echo) (any, error) {
		switch args.Word {
		case "failing":
			return nil, errors.New("wrong")
		case "panicking":
			panic("at once")
		case "passing":
			if run.Attempt == 1 {
				return nil, jobs.Later(0)
			}
		case "slow":
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(150 * time.Millisecond):
			}
		case "deaf":
			time.Sleep(time.Second)
		case "chain":
			return jobs.Finally(func(ctx context.Context, tx *tenant.Tx) (any, error) {
				_, err := run.Client().Enqueue(ctx, tx, echo{"fine"})
				return nil, err
			}), nil
		}
		return nil, run.Write(ctx, func(context.Context, *tenant.Tx) error { return nil })
	})
	return registry
}

// unsettled counts what has not come to its end: tasks, and the queue's jobs.
func unsettled(t *testing.T, pool *pgxpool.Pool) (open int) {
	t.Helper()
	err := pool.QueryRow(t.Context(), `select (select count(*) from tasks where state not in ('completed', 'failed', 'cancelled'))
		+ (select count(*) from river.river_job where args ? 'task_id' and state not in ('completed', 'cancelled', 'discarded'))`).Scan(&open)
	if err != nil {
		t.Fatal(err)
	}
	return open
}

// River and task rows agree after many jobs that ended in every way, while workers were killed and connections were cut.
func TestRiverAndTasksAgree(t *testing.T) {
	t.Parallel()
	count := 200
	if text := os.Getenv(mixedVariable); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	db := pgtest.New(t)
	h := build(t, db.URL(pgtest.App), db.URL(pgtest.System), mixedKinds())
	scopes := []tenant.Scope{h.tenant(t), h.tenant(t), h.tenant(t)}
	words := []string{"fine", "failing", "passing", "panicking", "slow", "fine", "chain", "fine", "cancelled", "slow", "deaf", "held"}
	var victims []func()
	for i := range count {
		scope, word := scopes[i%len(scopes)], words[i%len(words)]
		var one task.Task
		h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) (err error) {
			if word == "held" {
				one, err = h.client.Hold(ctx, tx, echo{word})
			} else {
				one, err = h.client.Enqueue(ctx, tx, echo{word})
			}
			return err
		})
		if word == "cancelled" || word == "held" || i%5 == 0 {
			victims = append(victims, func() {
				// A connection that is cut under us is as good as none: again.
				for {
					err := h.tenants.WriteAgain(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) error {
						_, _, err := h.client.Cancel(ctx, tx, one.ID)
						return err
					})
					if err == nil || t.Context().Err() != nil {
						return
					}
				}
			})
		}
	}
	rand.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	pool := db.Pool(t, pgtest.Superuser)
	crashes := max(4, count/400)
	for crash := range crashes {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
		command.Env = append(os.Environ(), childVariable+"="+strings.Join([]string{mixedPoint, db.URL(pgtest.App), db.URL(pgtest.System)}, " "))
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		for _, cancel := range victims[len(victims)*crash/crashes : len(victims)*(crash+1)/crashes] {
			cancel()
			time.Sleep(rand.N(20 * time.Millisecond))
		}
		_, err := pool.Exec(t.Context(), `select pg_terminate_backend(pid) from (select pid from pg_stat_activity
			where datname = current_database() and usename in ('palisade_app', 'palisade_system') order by random() limit 2) chosen`)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(500*time.Millisecond + rand.N(500*time.Millisecond))
		if err := command.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = command.Wait() // it was killed
	}
	h.queues = map[string]int{jobs.Scans: mixedAtOnce}
	h.work(t)
	for unsettled(t, pool) > 0 {
		time.Sleep(50 * time.Millisecond)
	}
	h.stop()
	checkAgreement(t, pool)
}

// checkAgreement is what has to hold when nothing is under way any more.
func checkAgreement(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for name, query := range map[string]string{
		"tasks that have not ended once":       `select count(*) from tasks t where (select count(*) from jsonb_object_keys(t.metadata) k where k like 'end %') <> 1`,
		"tasks whose end is another":           `select count(*) from tasks t, jsonb_each_text(t.metadata) k where k.key like 'end %' and k.value <> t.state`,
		"tasks without the time of their end":  `select count(*) from tasks where completed_at is null or completed_at < inserted_at`,
		"tasks with a turn but without a job":  `select count(*) from tasks t where job_id is not null and not exists (select from river.river_job j where j.id = t.job_id and j.args ->> 'task_id' = t.id::text)`,
		"tasks without a turn that were done":  `select count(*) from tasks where job_id is null and state <> 'cancelled'`,
		"jobs without a task":                  `select count(*) from river.river_job j where j.args ? 'task_id' and not exists (select from tasks t where t.job_id = j.id)`,
		"jobs that have not ended":             `select count(*) from river.river_job j where j.args ? 'task_id' and finalized_at is null`,
		"jobs without a turn":                  `select count(*) from river.river_job j where j.args ? 'task_id' and not j.metadata ? 'turn'`,
		"tasks that failed or did not and lie": `select count(*) from tasks where (task_args ->> 'word' in ('failing', 'panicking', 'deaf') and state = 'completed') or (task_args ->> 'word' in ('fine', 'chain', 'passing') and state = 'failed')`,
	} {
		var wrong int
		if err := pool.QueryRow(t.Context(), query).Scan(&wrong); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if wrong > 0 {
			t.Errorf("%s: %d", name, wrong)
		}
	}
	rows, err := pool.Query(t.Context(), `select t.state, j.state::text, count(*), sum(t.crashes), sum(t.failures) from tasks t
		left join river.river_job j on j.id = t.job_id group by 1, 2 order by 1, 2`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var state string
		var job *string
		var count, crashes, failures int
		if err := rows.Scan(&state, &job, &count, &crashes, &failures); err != nil {
			t.Fatal(err)
		}
		if job == nil {
			job = new("none")
		}
		t.Logf("%d tasks are %s with a job that is %s; %d crashes, %d failures that passed", count, state, *job, crashes, failures)
	}
}
