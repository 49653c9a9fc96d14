package desk

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"strings"
	"time"

	"leadhit-sync/deadletter/view"
)

// pages are the views in one language, by file name.
type pages map[string]*template.Template

// loadPages parses each view together with the layout, once per language.
func loadPages(catalogues map[string]*texts, own template.FuncMap) (map[string]pages, error) {
	views, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	all := map[string]pages{}
	for language, texts := range catalogues {
		funcs := texts.funcs()
		maps.Copy(funcs, texts.own())
		maps.Copy(funcs, own)
		of := pages{}
		for _, file := range views {
			name := strings.TrimSuffix(path.Base(file), ".html")
			if name == "layout" || name == "parts" {
				continue
			}
			t, err := template.New(name).Funcs(funcs).ParseFS(files, "templates/layout.html", "templates/parts.html", file)
			if err != nil {
				return nil, fmt.Errorf("templates of the desk: %w", err)
			}
			of[name] = t
		}
		all[language] = of
	}
	return all, nil
}

// page is what the layout and a view show.
type page struct {
	Language string
	View     string // name of the view; the navigation marks it
	Group    string
	Reading  Reading
	Visitor  visitor
	Path     string // of this page, with the query, for the links that change the language
	Now      time.Time
	Stranger bool // must not see what the desk shows
	Answer   bool // the response to a form, whose address cannot be requested again
	Data     any
}

// Unread reports whether nothing is known, because Kafka has not been read yet.
func (p page) Unread() bool { return p.Reading.At.IsZero() }

// Refreshes reports whether the page reloads itself in a browser without scripts.
func (p page) Refreshes() bool {
	r, ok := p.Data.(interface{ Refreshes() bool })
	return ok && r.Refreshes()
}

// MayAct reports whether the page shows buttons that change something: only to a visitor who may write, and only while
// what it shows is current.
func (p page) MayAct() bool { return p.Visitor.MayWrite && p.Reading.Err == nil }

// show renders a view. It renders into memory first, so that an error in a template gives an error page, not half a
// page.
func (d *desk) show(w http.ResponseWriter, r *http.Request, code int, name string, read Reading, data any) {
	language := languageOf(r)
	p := page{
		Language: language, View: name, Group: d.Group, Reading: read, Visitor: visitorOf(r), Path: r.URL.RequestURI(),
		Now: time.Now(), Stranger: d.Access.isStranger(r, code), Answer: r.Method == http.MethodPost, Data: data,
	}
	if p.Answer {
		p.Path = "/letters"
	}
	if p.Stranger {
		p.Group, p.Reading = "", Reading{}
	}
	var text bytes.Buffer
	if err := d.pages[language][name].ExecuteTemplate(&text, "layout", p); err != nil {
		http.Error(w, "this page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", language)
	w.WriteHeader(code)
	_, _ = w.Write(text.Bytes())
}

// refusal is what the error page shows. Detail is an error as the commands print it, or empty.
type refusal struct {
	Code        int
	Key, Detail string
}

// refuse shows the error page. The key names a text of the catalogue.
func (d *desk) refuse(w http.ResponseWriter, r *http.Request, code int, key string) {
	d.refuseWith(w, r, code, key, nil)
}

// refuseWith shows a whole page, so that the person keeps the menu and sees whether the topics can be read.
func (d *desk) refuseWith(w http.ResponseWriter, r *http.Request, code int, key string, why error) {
	detail := ""
	if why != nil {
		detail = why.Error()
	}
	d.show(w, r, code, "error", d.Source.Look(func(*view.View) {}), refusal{code, key, detail})
}
