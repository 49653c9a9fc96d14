package desk_test

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"leadhit-sync/integration/browser"
)

// pictures is the folder with the README's pictures.
const pictures = "../../deadletter/desk/screenshots"

func updating() bool { return os.Getenv("UPDATE_SCREENSHOTS") != "" }

// photograph stores a screenshot of the tab: after a failure for debugging, or for the README if requested.
func photograph(t *testing.T, tab *browser.Tab, v browser.View, p page) {
	t.Helper()
	name := strings.NewReplacer(" ", "-", ",", "").Replace(p.name)
	var file string
	switch {
	case t.Failed():
		file = filepath.Join(os.TempDir(), strings.ReplaceAll(t.Name(), "/", "-")+".png")
		t.Logf("a screenshot of the page is in %s", file)
	case !updating() || p.picture == none || p.picture == state && v.Dark:
		return
	case p.picture == state:
		file = filepath.Join(pictures, "states", name+".png")
	case v.Dark:
		file = filepath.Join(pictures, name+"-dark.png")
	default:
		file = filepath.Join(pictures, name+"-light.png")
	}
	shot, err := browser.Read(tab, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, small(t, shot), 0o644); err != nil {
		t.Fatal(err)
	}
}

// small reduces a screenshot to 256 colours. It replaces every other colour with the nearest of the 256. Most of the
// replaced colours are at the edges of characters.
func small(t *testing.T, shot []byte) []byte {
	t.Helper()
	full, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[color.RGBA]int{}
	box := full.Bounds()
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			counts[color.RGBAModel.Convert(full.At(x, y)).(color.RGBA)]++
		}
	}
	few := image.NewPaletted(box, palette(counts))
	draw.Draw(few, box, full, box.Min, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// palette returns the most frequent colour of each kind, so that a small green dot stays green, and then the most
// frequent of all other colours.
func palette(counts map[color.RGBA]int) (kept color.Palette) {
	most := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int { return cmp.Compare(counts[b], counts[a]) })
	kinds := map[color.RGBA]bool{}
	var others color.Palette
	for _, c := range most {
		if kind := (color.RGBA{R: c.R >> 5, G: c.G >> 5, B: c.B >> 5}); kinds[kind] {
			others = append(others, c)
		} else {
			kinds[kind] = true
			kept = append(kept, c)
		}
	}
	kept = append(kept, others...)
	return kept[:min(len(kept), 256)]
}
