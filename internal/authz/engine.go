package authz

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Engine answers from the active policy and replaces it without a pause: a decision under way finishes with the
// snapshot that it began with. It is safe for concurrent use.
type Engine struct {
	active atomic.Pointer[Snapshot]
	status atomic.Pointer[Status]
	logger *slog.Logger
	reload sync.Mutex // one reload at a time, so that the last one asked for wins
}

// New makes an engine with the policy of the folders, which has to pass [Check], its tests included. That takes some
// tenths of a second.
func New(ctx context.Context, folders Folders, logger *slog.Logger) (*Engine, error) {
	src, err := readSource(folders)
	if err != nil {
		return nil, err
	}
	snapshot, err := examine(ctx, src)
	if err != nil {
		return nil, fmt.Errorf("load policy: %w", err)
	}
	return Start(snapshot, logger), nil
}

// Start makes an engine with a policy that needs no examination any more: the shipped one, whose tests ran when
// the program was built.
func Start(snapshot *Snapshot, logger *slog.Logger) *Engine {
	engine := &Engine{logger: logger}
	engine.activate(snapshot)
	return engine
}

func (e *Engine) activate(snapshot *Snapshot) {
	e.active.Store(snapshot)
	e.status.Store(&Status{Revision: snapshot.Revision(), Since: time.Now()})
}

// Snapshot returns the active policy. A request takes it once and uses it throughout, so that its decision and
// its visibility come from the same revision.
func (e *Engine) Snapshot() *Snapshot { return e.active.Load() }

// Decide is [Snapshot.Decide] of the active policy.
func (e *Engine) Decide(ctx context.Context, subject Subject, operation Operation) (Decision, error) {
	return e.Snapshot().Decide(ctx, subject, operation)
}

// Visible is [Snapshot.Visible] of the active policy.
func (e *Engine) Visible(ctx context.Context, subject Subject) (Visibility, error) {
	return e.Snapshot().Visible(ctx, subject)
}

// Explain is [Snapshot.Explain] of the active policy.
func (e *Engine) Explain(ctx context.Context, subject Subject, operation Operation) (Explanation, error) {
	return e.Snapshot().Explain(ctx, subject, operation)
}

// Reload makes the policy of the folders the active one if it passes [Check]. If it does not, the active policy stays and
// the error is logged and returned.
func (e *Engine) Reload(ctx context.Context, folders Folders) error {
	src, err := readSource(folders)
	if err != nil {
		return e.refuse(ctx, "", err)
	}
	return e.reloadSource(ctx, src)
}

func (e *Engine) reloadSource(ctx context.Context, src *source) error {
	e.reload.Lock()
	defer e.reload.Unlock()
	before := e.Snapshot().Revision()
	if src.revision() == before {
		e.settle()
		return nil
	}
	snapshot, err := examine(ctx, src)
	if err != nil {
		return e.refuse(ctx, src.revision(), err)
	}
	e.activate(snapshot)
	e.logger.InfoContext(ctx, "policy reloaded",
		slog.String("policy_revision", snapshot.Revision()), slog.String("previous_revision", before))
	return nil
}

func (e *Engine) refuse(ctx context.Context, revision string, err error) error {
	active := e.Snapshot().Revision()
	e.note(Refusal{Revision: revision, Error: err.Error(), At: time.Now()})
	e.logger.ErrorContext(ctx, "policy refused, the active one stays",
		slog.String("refused_revision", revision), slog.String("policy_revision", active),
		slog.String("error", err.Error()))
	return fmt.Errorf("reload policy, %s stays active: %w", active, err)
}

// Watch reads the folders at every interval and reloads when their content has changed and then stayed the same for
// one interval, so that a half-copied folder is not taken. A content that was refused is not tried again. It
// returns when ctx ends, with its error.
func (e *Engine) Watch(ctx context.Context, folders Folders, interval time.Duration) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	watch := watch{engine: e, tried: e.Snapshot().Revision()}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			watch.poll(ctx, folders)
		}
	}
}

// watch remembers what the polls of a folder saw.
type watch struct {
	engine *Engine
	seen   string // revision at the last poll
	tried  string // revision that was last loaded or refused
	failed string // error of the last poll, to log each only once
}

func (w *watch) poll(ctx context.Context, folders Folders) {
	src, err := readSource(folders)
	if err != nil {
		if err.Error() != w.failed {
			w.failed = err.Error()
			_ = w.engine.refuse(ctx, "", err)
		}
		// What can be read again is looked at again, so that the engine's status is about it.
		w.seen, w.tried = "", ""
		return
	}
	w.failed = ""
	revision := src.revision()
	if revision == w.seen && revision != w.tried {
		w.tried = revision
		// refused policies are logged by reloadSource; there is nobody else to tell
		_ = w.engine.reloadSource(ctx, src)
	}
	w.seen = revision
}
