package engine

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// FindInterpreter returns the Python interpreter to run the engine with: setting when it is not empty, else the one
// that the prowler command on PATH is run by, else python3. The error wraps ErrNotInstalled. Whether the
// interpreter has the engine shows when it is run.
func FindInterpreter(setting string) (string, error) {
	if setting != "" {
		path, err := exec.LookPath(setting)
		if err != nil {
			return "", fmt.Errorf("%w (PALISADE_PROWLER_PYTHON names %s, which cannot be run)", ErrNotInstalled, setting)
		}
		return absolute(path)
	}
	if command, err := exec.LookPath("prowler"); err == nil {
		if interpreter := interpreterOf(command); interpreter != "" {
			return interpreter, nil
		}
	}
	path, err := exec.LookPath("python3")
	if err != nil {
		return "", ErrNotInstalled
	}
	return absolute(path)
}

// absolute keeps links: an interpreter knows its packages by the path that it is called by.
func absolute(path string) (string, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find the engine's interpreter: %w", err)
	}
	return whole, nil
}

// interpreterOf reads the interpreter from a Python command's first lines; empty when it is no such command.
func interpreterOf(command string) string {
	file, err := os.Open(command)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "#!") {
		return ""
	}
	words := strings.Fields(strings.TrimPrefix(lines.Text(), "#!"))
	if len(words) == 0 {
		return ""
	}
	switch filepath.Base(words[0]) {
	case "env":
		words = words[1:]
	case "sh": // how installers write a path that is too long for a first line
		if !lines.Scan() {
			return ""
		}
		words = strings.Fields(strings.TrimPrefix(lines.Text(), "'''exec' "))
	}
	if len(words) == 0 || !strings.Contains(filepath.Base(strings.Trim(words[0], `"`)), "python") {
		return ""
	}
	path, err := exec.LookPath(strings.Trim(words[0], `"`))
	if err != nil {
		return ""
	}
	return path
}
