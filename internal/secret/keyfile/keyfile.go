// Package keyfile reads and creates files that hold key material.
//
// It belongs to the packages that keep a key on disk between runs. It knows nothing of what the keys are for.
package keyfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Read returns the content of the key file at path. A file that anyone but its owner may read, write or
// execute is refused, because a key that others could have read must be replaced, not used.
func Read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return nil, fmt.Errorf("key file %s has mode %04o: only its owner may have access (chmod 600)", path, info.Mode().Perm())
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	return content, nil
}

// LoadOrCreate returns the content of the key file at path. When there is none, the file is created with what
// generate returns, mode 0600, in a folder of mode 0700. Processes that start at the same time agree on one
// content: the first to finish writing wins, the others read its file.
func LoadOrCreate(path string, generate func() ([]byte, error)) ([]byte, error) {
	content, err := Read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return content, err
	}
	if content, err = generate(); err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}
	if err := Create(path, content); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create key file: %w", err)
	}
	return Read(path)
}

// Create writes a new key file, mode 0600, whole or not at all; fs.ErrExist when there is one by now. The name appears with a
// hard link, which unlike a rename does not replace a file that another process made.
func Create(path string, content []byte) error { return write(path, content, os.Link) }

// Replace writes a key file, mode 0600, in the place of the one that may be there: readers find the old content or the new.
func Replace(path string, content []byte) error { return write(path, content, os.Rename) }

// write makes the content durable under another name before it gets its own.
func write(path string, content []byte, name func(from, to string) error) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(folder, ".key-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err != nil {
		return err
	}
	if err := name(temporary.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// syncFolder makes the new name survive a power cut: data encrypted with a key that is lost is lost too.
func syncFolder(folder string) error {
	directory, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
