package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
)

// encodingVersion is the first field of every encoding. A log that is to hold more gets another one.
const encodingVersion = "palisade-audit-1"

// genesis stands for the hash before the first event of a chain.
var genesis = make([]byte, sha256.Size)

// hash is what the database computes for a row: SHA-256 over its fields, each as its length in bytes, a colon, its text and a
// line feed, or as a hyphen and a line feed when there is none.
func hash(row tenantdb.AuditEvent) []byte {
	var text bytes.Buffer
	write := func(value string) {
		text.WriteString(strconv.Itoa(len(value)))
		text.WriteByte(':')
		text.WriteString(value)
		text.WriteByte('\n')
	}
	none := func() { text.WriteString("-\n") }
	id := func(value *uuid.UUID) {
		if value == nil {
			none()
			return
		}
		write(value.String())
	}
	optional := func(value *string) {
		if value == nil {
			none()
			return
		}
		write(*value)
	}
	write(encodingVersion)
	write(row.TenantID.String())
	write(strconv.FormatInt(row.Seq, 10))
	write(hex.EncodeToString(row.PreviousHash))
	write(row.ID.String())
	write(strconv.FormatInt(row.InsertedAt.UnixMicro(), 10))
	write(row.Kind)
	id(row.DecisionID)
	write(row.Operation)
	write(strconv.FormatBool(row.Allowed))
	write(strconv.FormatBool(row.Write))
	write(row.Reason)
	write(row.Rule)
	write(row.PolicyRevision)
	write(row.UserID.String())
	write(row.Credential)
	id(row.ApiKeyID)
	optional(row.ApiKeyPrefix)
	write(row.RequestID)
	write(row.ClientAddress)
	optional(row.TargetID)
	if row.Status == nil {
		none()
	} else {
		write(strconv.Itoa(int(*row.Status)))
	}
	sum := sha256.Sum256(text.Bytes())
	return sum[:]
}
