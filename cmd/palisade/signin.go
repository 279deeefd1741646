package main

import (
	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/social"
)

// socialSettings are the settings of log-in through providers in the words of the package that speaks with them.
func socialSettings(settings config.Settings) social.Settings {
	return social.Settings{
		Google: social.GoogleSettings{
			Application: social.Application{ClientID: settings.GoogleClientID, ClientSecret: settings.GoogleClientSecret, CallbackURL: settings.GoogleCallbackURL},
			Issuer:      settings.GoogleIssuer, TokenURL: settings.GoogleTokenURL, KeysURL: settings.GoogleKeysURL, UserInfoURL: settings.GoogleUserInfoURL,
		},
		GitHub: social.GitHubSettings{
			Application: social.Application{ClientID: settings.GitHubClientID, ClientSecret: settings.GitHubClientSecret, CallbackURL: settings.GitHubCallbackURL},
			TokenURL:    settings.GitHubTokenURL, APIURL: settings.GitHubAPIURL,
		},
	}
}
