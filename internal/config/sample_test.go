package config_test

import (
	"strings"
	"testing"
)

func TestAuditReadSampleIsAShare(t *testing.T) {
	for text, want := range map[string]float64{"0": 0, "0.25": 0.25, "1": 1, "1e-3": 0.001} {
		t.Setenv("PALISADE_AUDIT_READ_SAMPLE", text)
		if settings, err := load(t); err != nil || settings.AuditReadSample != want {
			t.Errorf("%q: %v %v", text, settings.AuditReadSample, err)
		}
	}
	if settings, err := load(t, "--audit-read-sample", "0.5"); err != nil || settings.AuditReadSample != 0.5 {
		t.Error(settings.AuditReadSample, err)
	}
	for _, text := range []string{"1.1", "-0.1", "NaN", "Inf", "half", "1 2"} {
		t.Setenv("PALISADE_AUDIT_READ_SAMPLE", text)
		if _, err := load(t); err == nil || !strings.Contains(err.Error(), "audit-read-sample") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
