package authz

import (
	"github.com/open-policy-agent/opa/v1/ast"
)

// attributes are those parts of a subject beside its roles that a policy looks at. What it does not look at is neither in
// its input nor in the keys of its cache, so that people with the same roles share their answers.
type attributes struct{ credential, email, tenant bool }

func allAttributes() attributes { return attributes{true, true, true} }

// names are the attributes as policy spells them.
func (a attributes) names() []string {
	var names []string
	for _, one := range []struct {
		name string
		used bool
	}{{"credential", a.credential}, {"email", a.email}, {"tenant_id", a.tenant}} {
		if one.used {
			names = append(names, one.name)
		}
	}
	return names
}

// attributesOf finds what compiled modules refer to. A policy that takes the subject as a whole, or by a name that is only
// known when it is evaluated, may look at everything.
func attributesOf(modules map[string]*ast.Module) attributes {
	var found attributes
	var visitor *ast.GenericVisitor
	visitor = ast.NewGenericVisitor(func(node any) bool {
		switch node := node.(type) {
		case ast.Ref:
			found.add(node)
			for i, term := range node {
				if i > 0 {
					visitor.Walk(term)
				}
			}
			return true
		case ast.Var:
			if node.Equal(ast.InputRootDocument.Value) {
				found = allAttributes()
			}
		}
		return false
	})
	for _, module := range modules {
		visitor.Walk(module)
	}
	return found
}

func (a *attributes) add(ref ast.Ref) {
	if !ref[0].Equal(ast.InputRootDocument) {
		if nested, ok := ref[0].Value.(ast.Ref); ok {
			a.add(nested)
		}
		return
	}
	if len(ref) > 1 && ref[1].IsGround() && !ref[1].Equal(ast.StringTerm("subject")) {
		return
	}
	if len(ref) < 3 {
		*a = allAttributes()
		return
	}
	name, fixed := ref[2].Value.(ast.String)
	switch {
	case !fixed:
		*a = allAttributes()
	case name == "credential":
		a.credential = true
	case name == "email":
		a.email = true
	case name == "tenant_id":
		a.tenant = true
	}
}
