package desk

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"strings"

	"leadhit-sync/deadletter/ledger"
)

// Settings configure a desk.
type Settings struct {
	Source Source
	// Writer is nil for a read-only desk.
	Writer Writer
	// Group is the consumer group whose letters the desk shows.
	Group  string
	Access Access
}

// desk serves the pages.
type desk struct {
	Settings

	texts  map[string]*texts // by language
	pages  map[string]pages  // by language
	assets map[string]asset  // by name
	cache  cache
}

// New returns the handler of the desk's pages. It starts no goroutine.
func New(s Settings) (http.Handler, error) {
	s.Access.Write = s.Access.Write && s.Writer != nil
	d := &desk{Settings: s, assets: loadAssets()}
	var err error
	if d.texts, err = readCatalogues(); err != nil {
		return nil, err
	}
	if d.pages, err = loadPages(d.texts, d.functions()); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { seeOther(w, r, "/letters") })
	mux.HandleFunc("GET /assets/{name}", d.asset)
	mux.HandleFunc("GET /language", chooseLanguage)
	mux.HandleFunc("GET /letters", d.letters)
	mux.HandleFunc("GET /letters/{topic}/{partition}/{offset}", d.letter)
	mux.HandleFunc("POST /letters/{topic}/{partition}/{offset}/reveal", d.reveal)
	mux.HandleFunc("GET /plan", d.plan)
	mux.HandleFunc("GET /runs", d.runs)
	mux.HandleFunc("POST /runs", d.start)
	mux.HandleFunc("GET /runs/{run}", d.run)
	mux.HandleFunc("POST /runs/{run}/stop", d.stop)
	mux.HandleFunc("GET /dismiss", d.changing("dismiss"))
	mux.HandleFunc("POST /dismiss", d.change("dismiss", ledger.LetterDismissed))
	mux.HandleFunc("GET /reopen", d.changing("reopen"))
	mux.HandleFunc("POST /reopen", d.change("reopen", ledger.LetterReopened))
	mux.HandleFunc("GET /orders", d.orderPage)
	mux.HandleFunc("GET /workers", d.workersPage)
	mux.HandleFunc("POST /pause", d.pauseWorkers)
	mux.HandleFunc("POST /resume", d.resumeWorkers)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		d.refuse(w, r, http.StatusNotFound, "error.absent")
	})
	return s.Access.protect(mux, d.refuse), nil
}

//go:embed assets templates
var files embed.FS

// asset is a file that browsers may keep, because its address changes with its content.
type asset struct {
	content []byte
	kind    string
	sum     string
}

// loadAssets reads the embedded files once. A file's hash is part of its address, so that browsers may keep the file
// for ever and still get the file of the next release.
func loadAssets() map[string]asset {
	kinds := map[string]string{".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
	all := map[string]asset{}
	entries, _ := files.ReadDir("assets") // cannot fail, because the files are embedded
	for _, e := range entries {
		content, _ := files.ReadFile("assets/" + e.Name())
		sum := sha256.Sum256(content)
		kind := kinds[e.Name()[strings.LastIndex(e.Name(), "."):]]
		all[e.Name()] = asset{content, kind + "; charset=utf-8", hex.EncodeToString(sum[:6])}
	}
	return all
}

func (d *desk) assetURL(name string) string { return "/assets/" + name + "?" + d.assets[name].sum }

func (d *desk) asset(w http.ResponseWriter, r *http.Request) {
	a, ok := d.assets[r.PathValue("name")]
	if !ok {
		d.refuse(w, r, http.StatusNotFound, "error.absent")
		return
	}
	w.Header().Set("Content-Type", a.kind)
	// Browsers may keep the response only if its address has this content's hash, because a page from another release
	// may have requested the hash of other content.
	if r.URL.RawQuery == a.sum {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(a.content)
}

func seeOther(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // only to paths of ours
}
