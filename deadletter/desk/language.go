package desk

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The languages of the pages.
const (
	english = "en"
	russian = "ru"
)

// languageCookie is the cookie with the language that a person chose with the page's switch.
const languageCookie = "desk_language"

// languageOf returns the language for a request: the chosen one, or the one that the browser prefers.
func languageOf(r *http.Request) string {
	if cookie, err := r.Cookie(languageCookie); err == nil && (cookie.Value == english || cookie.Value == russian) {
		return cookie.Value
	}
	best, most := english, 0.0
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Language"), ","), ",") {
		tag, weight := acceptedLanguage(part)
		if (tag == english || tag == russian) && weight > most {
			best, most = tag, weight
		}
	}
	return best
}

// acceptedLanguage splits a part of Accept-Language, such as "ru-RU;q=0.8".
func acceptedLanguage(part string) (tag string, weight float64) {
	tag, params, _ := strings.Cut(part, ";")
	tag, _, _ = strings.Cut(strings.TrimSpace(tag), "-")
	weight = 1
	if q, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
		weight, _ = strconv.ParseFloat(strings.TrimSpace(q), 64)
	}
	return strings.ToLower(tag), weight
}

// chooseLanguage serves /language?to=ru&back=/letters: it sets the cookie and returns to the page that the person saw.
// It is a GET, because it writes nothing that others see.
func chooseLanguage(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if to := query.Get("to"); to == english || to == russian {
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // not secret, and the desk is served without TLS behind its proxy
			Name: languageCookie, Value: to, Path: "/", MaxAge: int(365 * 24 * time.Hour / time.Second), HttpOnly: true,
			SameSite: http.SameSiteLaxMode,
		})
	}
	http.Redirect(w, r, ownPath(query.Get("back")), http.StatusSeeOther) //nolint:gosec // only to a path of ours
}

// ownPath returns the path and query of an address on this desk; any other address becomes the first page.
func ownPath(back string) string {
	at, err := url.Parse(back)
	if err != nil || at.Scheme != "" || at.Host != "" || at.Opaque != "" || at.User != nil ||
		!strings.HasPrefix(at.Path, "/") || strings.HasPrefix(at.Path, "//") || strings.ContainsAny(back, "\\\r\n\t") {
		return "/"
	}
	return (&url.URL{Path: at.Path, RawPath: at.RawPath, RawQuery: at.RawQuery}).String()
}
