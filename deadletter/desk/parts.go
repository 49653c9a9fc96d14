package desk

import (
	"fmt"
	"html/template"
	"net/url"
	"time"

	"leadhit-sync/deadletter/ledger"
)

// functions are the functions of templates that do not depend on the language.
func (d *desk) functions() template.FuncMap {
	return template.FuncMap{
		"asset": d.assetURL, "letterURL": letterURL, "orderURL": orderURL, "runURL": runURL, "soon": soon,
		"dict": dict,
	}
}

// letterURL is the address of a letter's page. Topics have no characters that a path would have to escape.
func letterURL(id ledger.ID) string {
	path := fmt.Sprintf("/letters/%s/%d/%d", url.PathEscape(id.Topic), id.Partition, id.Offset)
	if id.Item != ledger.NoItem {
		path += fmt.Sprintf("?item=%d", id.Item)
	}
	return path
}

// orderURL has the id in the query: an order id may hold a slash, or be "..".
func orderURL(order string) string { return "/orders?" + url.Values{"id": {order}}.Encode() }

func runURL(run string) string { return "/runs?" + url.Values{"run": {run}}.Encode() }

// expiresSoon is when an open letter that will expire becomes urgent; the alert about it has the same limit.
const expiresSoon = 72 * time.Hour

func soon(at, now time.Time) bool { return !at.IsZero() && at.Sub(now) < expiresSoon }

// dict makes the data of a part out of names and values.
func dict(pairs ...any) map[string]any {
	all := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		all[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return all
}

// spark is a small chart of bars.
type spark struct {
	Width, Height int
	Label         string
	Bars          []sparkBar
}

type sparkBar struct {
	X, Y, W, H int
	Empty      bool
}

// newSpark draws numbers as bars. A number above 0 is always seen, and 0 leaves a line on the ground.
func newSpark(numbers []int, width, height int, label string) spark {
	s := spark{Width: width, Height: height, Label: label}
	most := 1
	for _, n := range numbers {
		most = max(most, n)
	}
	step := width / max(len(numbers), 1)
	for i, n := range numbers {
		bar := sparkBar{X: i * step, W: max(step-1, 1), H: n * height / most}
		switch {
		case n == 0:
			bar.H, bar.Empty = 1, true
		case bar.H < 2:
			bar.H = 2
		}
		bar.Y = height - bar.H
		s.Bars = append(s.Bars, bar)
	}
	return s
}
