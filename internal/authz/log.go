package authz

import (
	"context"
	"log/slog"

	"github.com/google/uuid"
)

// LogDecision writes the decision log: every denial, as a warning, and every write. A read that was allowed is not
// logged. It names the subject by identifiers only.
func LogDecision(
	ctx context.Context, logger *slog.Logger, requestID string, subject Subject, operation Operation, made Decision,
) {
	if made.Allowed && !made.Write {
		return
	}
	level := slog.LevelInfo
	if !made.Allowed {
		level = slog.LevelWarn
	}
	roles := make([]uuid.UUID, len(subject.Roles))
	for i, role := range subject.Roles {
		roles[i] = role.ID
	}
	logger.LogAttrs(ctx, level, "access decision",
		slog.Bool("allowed", made.Allowed),
		slog.String("operation", string(operation)),
		slog.String("reason", string(made.Reason)),
		slog.String("rule", made.Rule),
		slog.String("policy_revision", made.Revision),
		slog.String("request_id", requestID),
		slog.String("tenant_id", subject.TenantID.String()),
		slog.String("user_id", subject.UserID.String()),
		slog.Any("role_ids", roles),
		slog.Any("granted_by", made.GrantedBy),
	)
}
