package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

const (
	longestLine  = 4 << 20         // bytes of one line of the child
	endOfPipes   = 5 * time.Second // how long pipes may stay open when the child has ended
	scriptName   = "engine.py"
	childPath    = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	childLocale  = "C.UTF-8"
	exitNotFound = -1
)

// process is one run of the engine.
type process struct {
	options  Options
	script   []byte
	request  wireRequest
	timeout  time.Duration
	redactor *redactor
	output   *tail
	overlong func() error // takes a line that is too long; nil when none may be
	done     bool         // the child said that it is done
}

func (p *Prowler) process(request wireRequest, timeout time.Duration) *process {
	redactor := newRedactor(request.Secret)
	return &process{options: p.options, script: p.script, request: request, timeout: timeout, redactor: redactor, output: &tail{redactor: redactor}}
}

// do runs the child to its end and calls visit for every line but the last one.
func (p *process) do(ctx context.Context, visit func(*line) error) error {
	python, err := FindInterpreter(p.options.Python)
	if err != nil {
		return &ProcessError{Cause: ErrNotInstalled, Exit: exitNotFound}
	}
	folder, err := os.MkdirTemp(p.options.TempDir, "palisade-engine-")
	if err != nil {
		return fmt.Errorf("make the engine's folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	script := filepath.Join(folder, scriptName)
	if err := os.WriteFile(script, p.script, 0o600); err != nil {
		return fmt.Errorf("write the engine's script: %w", err)
	}
	request, err := json.Marshal(p.request)
	if err != nil {
		return fmt.Errorf("%w: the request is not valid JSON", ErrRefused)
	}
	defer clear(request)

	limited, cancel := context.WithTimeoutCause(ctx, p.timeout, ErrTimeout)
	defer cancel()
	running, stop := context.WithCancelCause(limited)
	defer stop(nil)
	command := exec.CommandContext(running, python, "-I", "-B", script)
	command.Dir = folder
	command.Env = p.environment(folder, python)
	command.Stderr = p.output
	command.WaitDelay = endOfPipes
	isolate(command)
	command.Cancel = func() error { return killGroup(command.Process.Pid) }

	ended := p.start(command, request)
	visited := p.read(ended.lines, visit)
	if visited != nil {
		stop(visited)
	}
	slow := time.AfterFunc(endOfPipes, func() { stop(nil) }) // it has said its last: threads of its own may keep it
	defer slow.Stop()
	_ = ended.lines.Close() // unblocks a child whose lines nobody reads any more
	return p.verdict(running, visited, <-ended.result)
}

// environment is what the child sees of ours: a path, a home of its own, and what the operator named.
func (p *process) environment(folder, python string) []string {
	environment := []string{
		"PATH=" + filepath.Dir(python) + ":" + childPath, "HOME=" + folder, "TMPDIR=" + folder, "LANG=" + childLocale,
	}
	for _, name := range p.options.PassEnv {
		if value, ok := os.LookupEnv(name); ok {
			environment = append(environment, name+"="+value)
		}
	}
	return environment
}

// running is a child that was started.
type running struct {
	lines  *io.PipeReader
	result chan error // what Wait returned, or why it did not start; exactly one
}

// start starts the child and waits for it, in a goroutine that keeps its thread: the kernel ends the child with
// the thread that started it, which is how a killed Palisade leaves no scanner behind.
func (p *process) start(command *exec.Cmd, request []byte) running {
	reader, writer := io.Pipe()
	command.Stdout = writer
	child := running{lines: reader, result: make(chan error, 1)}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.runChild(command, request)
		_ = writer.Close()
		child.result <- err
	}()
	return child
}

// runChild is the child's life from its start to its end.
func (p *process) runChild(command *exec.Cmd, request []byte) error {
	input, err := command.StdinPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	// The child can do nothing before it has read its request: the limit is in force by then.
	if err := limitMemory(command.Process.Pid, p.options.Memory); err != nil {
		_ = killGroup(command.Process.Pid)
		_ = command.Wait()
		return fmt.Errorf("limit the engine's memory: %w", err)
	}
	go func() {
		_, _ = input.Write(request) // a child that does not read shows by what it writes
		_ = input.Close()
	}()
	err = command.Wait()
	_ = killGroup(command.Process.Pid) // what the child left running
	return err
}

// read calls visit for each line until the child has said its last, or something is wrong.
func (p *process) read(lines io.Reader, visit func(*line) error) error {
	buffered := bufio.NewReaderSize(lines, 64<<10)
	var text []byte
	for {
		var tooLong bool
		var err error
		text, tooLong, err = nextLine(buffered, text[:0])
		if err != nil {
			return nil // its end; whether it was a good one, verdict tells
		}
		if tooLong {
			if p.overlong == nil {
				return fmt.Errorf("%w: a line is too long", ErrProtocol)
			}
			if err := p.overlong(); err != nil {
				return err
			}
			continue
		}
		var one line
		if err := json.Unmarshal(text, &one); err != nil {
			return fmt.Errorf("%w: a line is not JSON", ErrProtocol)
		}
		switch one.Type {
		case "done":
			p.done = true
			return nil
		case "error":
			return p.said(&one)
		}
		if err := visit(&one); err != nil {
			return err
		}
	}
}

// nextLine reads one line into text; tooLong tells that it had more than longestLine bytes, which were dropped.
// A last line without its end is no line.
func nextLine(from *bufio.Reader, text []byte) (whole []byte, tooLong bool, err error) {
	for {
		part, err := from.ReadSlice('\n')
		if len(text)+len(part) > longestLine {
			tooLong, text = true, text[:0]
		}
		if !tooLong {
			text = append(text, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return text, tooLong, err
		}
	}
}

// said turns the child's own error line into an error.
func (p *process) said(l *line) error {
	detail := p.redactor.clean(l.Detail)
	switch l.Code {
	case "not_installed":
		return &ProcessError{Cause: ErrNotInstalled, Detail: detail}
	case "refused":
		return &ProcessError{Cause: ErrRefused, Detail: detail}
	case "memory":
		return &ProcessError{Cause: ErrKilled, Detail: detail}
	case "auth":
		return &ProcessError{Cause: ErrCredentials, Detail: detail}
	case "denied":
		return &ProcessError{Cause: ErrDenied, Detail: detail}
	case "unavailable":
		return &ProcessError{Cause: ErrUnavailable, Detail: detail}
	}
	return &ProcessError{Cause: ErrFailed, Detail: detail}
}

// verdict says how the run ended: visited is what reading its lines gave, waited what its end gave.
func (p *process) verdict(ctx context.Context, visited, waited error) error {
	exit := exitOf(waited)
	if failure, ok := errors.AsType[*ProcessError](visited); ok {
		failure.Exit, failure.Output = exit, p.output.String()
		return failure
	}
	if errors.Is(visited, ErrProtocol) {
		// A child that breaks off, killed or not, may leave half a line or nonsense: its end says more.
		if cause := p.ending(ctx, visited, waited); cause != nil {
			return &ProcessError{Cause: cause, Exit: exit, Output: p.output.String()}
		}
		return &ProcessError{Cause: visited, Exit: exit, Output: p.output.String()}
	}
	if visited != nil {
		return visited
	}
	if p.done {
		return nil
	}
	cause := p.ending(ctx, nil, waited)
	if cause == nil {
		cause = fmt.Errorf("%w: it ended too early (exit %d)", ErrProtocol, exit)
	}
	return &ProcessError{Cause: cause, Exit: exit, Output: p.output.String()}
}

// ending returns why a child ended that did not come to its end: cancelled, out of time, killed, not started; nil
// when it ended by itself. ours is the error for which we ended it, or nil.
func (p *process) ending(ctx context.Context, ours, waited error) error {
	if cause := context.Cause(ctx); cause != nil && (ours == nil || !errors.Is(cause, ours)) {
		return cause
	}
	if ours != nil {
		// It had started, and we ended it: what Wait says then (that we cancelled it, or that it was gone already) is about us.
		return nil
	}
	if _, exited := errors.AsType[*exec.ExitError](waited); waited != nil && !exited && !errors.Is(waited, exec.ErrWaitDelay) && !errors.Is(waited, io.ErrClosedPipe) {
		if errors.Is(waited, os.ErrNotExist) || errors.Is(waited, os.ErrPermission) {
			return ErrNotInstalled
		}
		return waited
	}
	if exitOf(waited) == 128+9 {
		return ErrKilled
	}
	return nil
}
