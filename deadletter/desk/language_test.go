package desk_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"leadhit-sync/deadletter/desk"
)

func TestTheLanguageIsThatOfTheCookieOrTheBrowser(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ cookie, accept, want string }{
		{"", "", "en"},
		{"", "ru", "ru"},
		{"", "RU-ru,ru;q=0.9,en-US;q=0.8", "ru"},
		{"", "en-GB,ru;q=0.9", "en"},
		{"", "de,fr;q=0.9", "en"},
		{"", "de,ru;q=0.3,en;q=0.2", "ru"},
		{"", "ru;q=0,en;q=0.1", "en"},
		{"", "ru;q=x, ;;,", "en"},
		{"en", "ru", "en"},
		{"ru", "en", "ru"},
		{"../ru", "en", "en"},
	} {
		r := get(t, "/")
		r.Header.Set("Accept-Language", c.accept)
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: "desk_language", Value: c.cookie})
		}
		if got := desk.LanguageOf(r); got != c.want {
			t.Errorf("cookie %q, Accept-Language %q: got %s, want %s", c.cookie, c.accept, got, c.want)
		}
	}
}

func TestTheLanguageSwitchLeadsOnlyToThisPage(t *testing.T) {
	t.Parallel()
	for back, want := range map[string]string{
		"/letters?cause=A%26B&since=24h": "/letters?cause=A%26B&since=24h",
		"/orders/a%2Fb":                  "/orders/a%2Fb",
		"":                               "/",
		"letters":                        "/",
		"//evil.example/":                "/",
		`/\evil.example/`:                "/",
		"/%2F/evil.example":              "/",
		"https://evil.example/":          "/",
		"javascript:alert(1)":            "/",
		"/letters\r\nSet-Cookie: a=b":    "/",
	} {
		answer := httptest.NewRecorder()
		query := url.Values{"to": {"ru"}, "back": {back}}
		desk.LanguageChoice().ServeHTTP(answer, get(t, "/language?"+query.Encode()))
		if got := answer.Header().Get("Location"); got != want || answer.Code != http.StatusSeeOther {
			t.Errorf("%q: got %d to %q, want 303 to %q", back, answer.Code, got, want)
		}
		if cookies := answer.Result().Cookies(); len(cookies) != 1 || cookies[0].Value != "ru" || !cookies[0].HttpOnly {
			t.Errorf("%q: got the cookies %v, want one for Russian", back, cookies)
		}
	}
	answer := httptest.NewRecorder()
	desk.LanguageChoice().ServeHTTP(answer, get(t, "/language?to=xx"))
	if cookies := answer.Result().Cookies(); len(cookies) != 0 {
		t.Errorf("got the cookies %v for an unknown language, want none", cookies)
	}
}

func get(t *testing.T, target string) *http.Request {
	t.Helper()
	return httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
}
