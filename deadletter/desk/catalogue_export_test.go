package desk

import (
	"html/template"
	"net/http"
)

var (
	LanguageOf     = languageOf
	ChooseLanguage = chooseLanguage
)

// Catalogue returns the texts of a language by key, each with its plural forms.
func Catalogue(lang string) (map[string][]string, error) {
	all, err := readCatalogues()
	if err != nil {
		return nil, err
	}
	return all[lang].byKey, nil
}

// TextFuncs returns the template functions of a language that has the given texts.
func TextFuncs(lang string, byKey map[string][]string) template.FuncMap {
	return (&texts{lang: lang, byKey: byKey}).funcs()
}

// LanguageChoice returns the handler that serves the choice of a language.
func LanguageChoice() http.Handler { return http.HandlerFunc(chooseLanguage) }
