package graphiteapi

import (
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

// functions answers /functions: what can be called, and how.
func (a *API) functions(w http.ResponseWriter, r *http.Request, p params) error {
	j, err := newReply(w, r, p)
	if err != nil {
		return err
	}
	t := a.engine.Functions()
	all := t.Names()
	if p.has("group") {
		all = slices.DeleteFunc(all, func(name string) bool { return groupOf(t, name) != p.get("group") })
	}
	if on := strings.ToLower(p.get("grouped")); on == "1" || on == "true" {
		j.functionGroups(t, all)
	} else {
		j.functionTable(t, all)
	}
	return j.end()
}

// function answers /functions/NAME.
func (a *API) function(w http.ResponseWriter, r *http.Request, p params) error {
	f, ok := a.engine.Functions().Get(r.PathValue("name"))
	if !ok {
		return fault{http.StatusNotFound, "Function not found: " + cutText(r.PathValue("name"))}
	}
	j, err := newReply(w, r, p)
	if err != nil {
		return err
	}
	j.function(a.engine.Functions(), f)
	return j.end()
}

func groupOf(t *query.Table, name string) string {
	f, _ := t.Get(name)
	return f.Group
}

// functionGroups appends functions under the names of their groups.
func (j *reply) functionGroups(t *query.Table, all []string) {
	byGroup := map[string][]string{}
	var groups []string
	for _, name := range all {
		g := groupOf(t, name)
		if byGroup[g] == nil {
			groups = append(groups, g)
		}
		byGroup[g] = append(byGroup[g], name)
	}
	slices.Sort(groups)
	j.raw("{")
	for i, g := range groups {
		j.comma(i)
		j.string(g)
		j.raw(": ")
		j.functionTable(t, byGroup[g])
	}
	j.raw("}")
}

// functionTable appends those of these names.
func (j *reply) functionTable(t *query.Table, list []string) {
	j.raw("{")
	for i, name := range list {
		f, _ := t.Get(name)
		j.comma(i)
		j.string(name)
		j.raw(": ")
		j.function(t, f)
	}
	j.raw("}")
}

func (j *reply) function(t *query.Table, f *query.Function) {
	module := f.Module
	if module == "" {
		module = "graphite.render.functions"
	}
	sep := `{"`
	for _, field := range [][2]string{{"name", f.Name}, {"function", f.Usage()}, {"description", f.Documentation()}, {"module", module}, {"group", f.Group}} {
		j.raw(sep + field[0] + `": `)
		j.string(field[1])
		sep = `, "`
	}
	j.raw(`, "params": [`)
	for i := range f.Params {
		j.comma(i)
		j.param(t, &f.Params[i])
	}
	j.raw("]}")
}

func (j *reply) param(t *query.Table, p *query.Param) {
	j.raw(`{"name": `)
	j.string(p.Name)
	j.raw(`, "type": `)
	j.string(string(p.Type))
	if p.Required {
		j.raw(`, "required": true`)
	}
	if p.Default != nil {
		j.raw(`, "default": `)
		j.value(p.Default)
	}
	if p.Multiple {
		j.raw(`, "multiple": true`)
	}
	if options := t.Options(p); len(options) > 0 {
		j.raw(`, "options": [`)
		for i, v := range options {
			j.comma(i)
			j.option(v)
		}
		j.raw("]")
	}
	if len(p.Suggestions) > 0 {
		j.raw(`, "suggestions": [`)
		for i, v := range p.Suggestions {
			j.comma(i)
			j.value(v)
		}
		j.raw("]")
	}
	j.raw("}")
}

// option appends what an argument may be.
func (j *reply) option(v string) {
	if constant, ok := map[string]string{"True": "true", "False": "false", "None": "null"}[v]; ok {
		j.raw(constant)
		return
	}
	j.string(v)
}

// value appends a default or a suggestion.
func (j *reply) value(v any) {
	switch v := v.(type) {
	case string:
		j.string(v)
	case bool:
		j.raw(map[bool]string{true: "true", false: "false"}[v])
	case int:
		j.int(int64(v))
	case float64:
		if math.IsInf(v, 1) {
			j.raw("1e9999")
			return
		}
		j.buf = query.AppendFloat(j.buf, v)
	}
}
