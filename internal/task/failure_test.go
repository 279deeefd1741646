package task_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/palisade-sec/palisade/internal/task"
)

func TestResultShowsWhatIsMadeForPeople(t *testing.T) {
	t.Parallel()
	inside := errors.New("password=hunter2")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"failure":  {fmt.Errorf("outer: %w", task.Fail("SomeError", "It <failed>.", inside)), `{"exc_type":"SomeError","exc_message":["It \u003cfailed\u003e."],"exc_module":"palisade"}`},
		"inside":   {inside, `{"exc_type":"InternalError","exc_message":["The task failed because of an internal error."],"exc_module":"palisade"}`},
		"sentence": {&task.Failure{Type: "Empty"}, `{"exc_type":"Empty","exc_message":[],"exc_module":""}`},
	} {
		if got := string(task.Result(c.err)); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if !errors.Is(task.Fail("SomeError", "It failed.", inside), inside) {
		t.Error("the cause is lost to the log")
	}
}
