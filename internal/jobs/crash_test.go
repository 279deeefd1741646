package jobs_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/flow"
	"github.com/palisade-sec/palisade/internal/jobs"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/pipeline"
	"github.com/palisade-sec/palisade/internal/system"
	"github.com/palisade-sec/palisade/internal/task"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// childVariable tells the test binary to be a worker process that its parent will kill: "point app-url system-url".
const childVariable = "PALISADE_TEST_JOBS_CHILD"

func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		if err := child(strings.Split(text, " ")); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// fragile is a job that can be killed at several points.
type fragile struct {
	Name string `json:"name"`
}

func (fragile) Kind() string        { return "fragile" }
func (fragile) Provider() uuid.UUID { return uuid.Nil }

// fragileKind is a job that says where it is, and stops for good at one point.
func fragileKind(point string) *jobs.Registry {
	at := func(here string) {
		if here == point {
			fmt.Println("at", here)
			select {}
		}
	}
	registry := jobs.NewRegistry()
	jobs.Register(registry, jobs.Scans, jobs.Options{}, func(ctx context.Context, run jobs.Run, args fragile) (any, error) {
		at("start")
		if err := run.Write(ctx, func(context.Context, *tenant.Tx) error { at("transaction"); return nil }); err != nil {
			return nil, err
		}
		return jobs.Finally(func(context.Context, *tenant.Tx) (any, error) {
			at("end")
			return run.Attempt, nil
		}), nil
	})
	jobs.Register(registry, jobs.Default, jobs.Options{}, func(context.Context, jobs.Run, echo) (any, error) { return nil, nil })
	return registry
}

func child(arguments []string) error {
	ctx := context.Background()
	tenants, err := tenant.Open(ctx, pipeline.Config{URL: arguments[1], MaxConns: 4})
	if err != nil {
		return err
	}
	executor, err := system.Open(ctx, pipeline.Config{URL: arguments[2], MaxConns: 4})
	if err != nil {
		return err
	}
	registry, size := fragileKind(arguments[0]), 0
	if arguments[0] == mixedPoint {
		registry, size = mixedKinds(), mixedAtOnce
	}
	client, err := jobs.NewClient(registry)
	if err != nil {
		return err
	}
	return client.Work(ctx, jobs.WorkConfig{Tenants: tenants, System: executor, Silence: 800 * time.Millisecond, Poll: 100 * time.Millisecond,
		Queues: map[string]int{jobs.Scans: size}})
}

// killed runs a worker process until it is at a point, and kills it there.
func killed(t *testing.T, point, appURL, systemURL string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	command.Env = append(os.Environ(), childVariable+"="+strings.Join([]string{point, appURL, systemURL}, " "))
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil || line != "at "+point+"\n" {
		t.Errorf("child said %q: %v", line, err)
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait() // it was killed
}

func TestAKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"start", "transaction", "end"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			h := build(t, db.URL(pgtest.App), db.URL(pgtest.System), fragileKind(""))
			scope := h.tenant(t)
			h.write(t, scope, func(ctx context.Context, tx *tenant.Tx) error {
				_, err := h.client.StartFlow(ctx, tx, flow.Chain(jobs.Step(fragile{}), jobs.Step(echo{})))
				return err
			})
			killed(t, point, db.URL(pgtest.App), db.URL(pgtest.System))
			one := h.all(t, scope)["fragile"]
			if one.State != task.Executing {
				t.Fatalf("after the kill the task is %s", one.State)
			}
			h.work(t)
			if one = h.ended(t, scope, one.ID); one.State != task.Completed || string(one.Result) != "2" {
				t.Errorf("the task ended as %s with %s", one.State, one.Result)
			}
			if !strings.Contains(string(one.Metadata), `"reason": "The worker was lost."`) {
				t.Errorf("the task does not say that its worker was lost: %s", one.Metadata)
			}
			follower, there := h.all(t, scope)["echo"]
			if !there {
				t.Fatal("what follows did not start")
			}
			if follower = h.ended(t, scope, follower.ID); follower.State != task.Completed {
				t.Errorf("what follows ended as %s", follower.State)
			}
		})
	}
}

func TestAJobThatKillsEveryWorkerIsGivenUp(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	h := build(t, db.URL(pgtest.App), db.URL(pgtest.System), fragileKind(""))
	scope := h.tenant(t)
	one := h.enqueue(t, scope, fragile{})
	for range 4 {
		killed(t, "start", db.URL(pgtest.App), db.URL(pgtest.System))
	}
	h.work(t)
	const want = `{"exc_type": "WorkerLostError", "exc_module": "palisade", "exc_message": ["The worker was lost 4 times while it worked on the task."]}`
	if one = h.ended(t, scope, one.ID); one.State != task.Failed || string(one.Result) != want {
		t.Errorf("the task ended as %s with %s", one.State, one.Result)
	}
}
