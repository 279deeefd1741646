package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// The values of the setting sign-up.
const (
	SignUpOpen       = "open"
	SignUpInvitation = "invitation"
)

// completeSignIn refuses settings of signing in that make no sense, and reads the password that a file holds.
func (s *Settings) completeSignIn() error {
	if s.SignUp != SignUpOpen && s.SignUp != SignUpInvitation {
		return fmt.Errorf("sign-up is %q: want %s or %s", s.SignUp, SignUpOpen, SignUpInvitation)
	}
	if s.FirstAdminPassword != "" && s.FirstAdminPasswordFile != "" {
		return errors.New("first-admin-password and first-admin-password-file: set one of them")
	}
	if s.FirstAdminPasswordFile != "" {
		content, err := os.ReadFile(s.FirstAdminPasswordFile)
		if err != nil {
			return fmt.Errorf("first-admin-password-file: %w", err)
		}
		s.FirstAdminPassword = strings.TrimSpace(string(content))
	}
	if (s.FirstAdminEmail == "") != (s.FirstAdminPassword == "") {
		return errors.New("first-admin-email and first-admin-password (or first-admin-password-file) go together")
	}
	return nil
}
