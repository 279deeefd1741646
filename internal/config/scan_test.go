package config_test

import (
	"strings"
	"testing"
)

func TestTheMemoryOfTheEngine(t *testing.T) {
	for text, want := range map[string]int64{"off": -1, "64MiB": 64 << 20, "512MiB": 512 << 20, "4GiB": 4 << 30} {
		settings, err := load(t, "--engine-memory-limit", text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, err := settings.EngineMemoryBytes(); err != nil || got != want {
			t.Errorf("%q: %d %v", text, got, err)
		}
	}
	for _, text := range []string{"0", "63MiB", "4", "4GB", "-1GiB", "GiB", "1.5GiB", "99999999999GiB", "on"} {
		if _, err := load(t, "--engine-memory-limit="+text); err == nil || !strings.Contains(err.Error(), "engine-memory-limit") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTheLimitsOfScans(t *testing.T) {
	for _, flag := range []string{"--scan-concurrency=0", "--scan-concurrency=1001", "--scan-timeout=59s", "--scan-timeout=721h"} {
		if _, err := load(t, flag); err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(strings.Split(flag, "=")[0], "--")) {
			t.Errorf("%q: %v", flag, err)
		}
	}
	settings, err := load(t, "--scan-concurrency=7", "--scan-timeout=90m")
	if err != nil || settings.ScanConcurrency != 7 || settings.ScanTimeout.Minutes() != 90 {
		t.Errorf("%+v %v", settings, err)
	}
}
