// Package users declares the operations on people.
package users

import (
	"net/http"
	"time"

	"github.com/palisade-sec/palisade/internal/identity"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Attributes are the attributes of a person.
type Attributes struct {
	Name        string    `json:"name"`
	Email       string    `json:"email"`
	CompanyName string    `json:"company_name"`
	DateJoined  time.Time `json:"date_joined"`
}

type newUser struct {
	Name        string `json:"name" minLength:"3" maxLength:"150"`
	Email       string `json:"email" format:"email" maxLength:"254"`
	Password    string `json:"password" minLength:"12" maxLength:"72"`
	CompanyName string `json:"company_name,omitempty" maxLength:"150"`
}

type handlers struct {
	identity *identity.Service
	tenants  *tenant.Executor
}

// Operations declares the operations.
func Operations(service *identity.Service, executor *tenant.Executor) []rest.Operation {
	h := handlers{identity: service, tenants: executor}
	return []rest.Operation{
		{ID: "users.create", Method: http.MethodPost, Path: "/users", Tag: "Users", Summary: "Sign up", Anonymous: true, Negotiate: true, Status: http.StatusCreated,
			Request:  rest.Schema{Type: "users", Attributes: newUser{}},
			Response: rest.Schema{Type: "users", Attributes: Attributes{}, Relationships: []string{"memberships", "roles"}}, Handle: h.create},
	}
}
