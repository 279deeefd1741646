package ingestion

import (
	"context"
	"errors"

	"github.com/palisade-sec/palisade/internal/ocsf"
)

// What is read ahead of what is stored: a few portions of bounded size.
const (
	portionItems = 250
	portionBytes = 1 << 20
	portionsHeld = 8
)

// item is a finding of the file, or why it is none that can be stored.
type item struct {
	index   int64
	finding ocsf.Finding
	refusal *ocsf.ItemError
}

// portion is a number of items in the order of the file.
type portion struct {
	items    []item
	position int64 // how far the file was read, in bytes
}

// ahead reads a file in a goroutine of its own, so that reading and storing overlap.
type ahead struct {
	portions chan portion // closed at the end
	end      error        // why it ended, io.EOF or worse; valid when portions is closed
}

func readAhead(ctx context.Context, reader *ocsf.Reader, position func() int64) *ahead {
	a := &ahead{portions: make(chan portion, portionsHeld)}
	go func() {
		defer close(a.portions)
		a.end = a.read(ctx, reader, position)
	}()
	return a
}

// stop ends the reading and waits for it.
func (a *ahead) stop(cancel context.CancelFunc) {
	cancel()
	for range a.portions {
	}
}

func (a *ahead) read(ctx context.Context, reader *ocsf.Reader, position func() int64) error {
	items, bytes := make([]item, 0, portionItems), 0
	send := func() error {
		select {
		case a.portions <- portion{items: items, position: position()}:
		case <-ctx.Done():
			return ctx.Err()
		}
		items, bytes = make([]item, 0, portionItems), 0
		return nil
	}
	for index := int64(0); ; index++ {
		one := item{index: index}
		var err error
		if one.finding, err = reader.Next(); err != nil && !errors.As(err, &one.refusal) {
			return errors.Join(send(), err)
		}
		items = append(items, one)
		bytes += one.bytes()
		if len(items) < portionItems && bytes < portionBytes {
			continue
		}
		if err := send(); err != nil {
			return err
		}
	}
}

func (i *item) bytes() int {
	if i.refusal != nil {
		return len(i.refusal.Detail)
	}
	return i.finding.Bytes() + len(i.finding.Check.JSON)
}
