package leadhit

import (
	"context"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
)

// maxTag is how far a tag is looked for its end: longer ones are text.
const maxTag = 1 << 10

// Methods returns the names of the methods that the node's map page lists, sorted. [Method] should be among them.
//
// The page is what the Python package json-rpc makes: a heading, then one <pre> with "name: documentation" for each method
// and a blank line between; nothing in it is escaped. A list of <li> is understood as well. A page without any name is a
// *BadAnswerError; other failures are those of SetOrderStatus.
func (c *Client) Methods(ctx context.Context) ([]string, error) {
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	s, _ := c.scratch.Get().(*scratch)
	defer c.release(s)
	key := c.key.load()
	err := c.exchange(c.methods.WithContext(bounded), key, s)
	if transport, ok := errors.AsType[*TransportError](err); ok {
		transport.Stopped = ctx.Err() != nil
	}
	if err != nil {
		return nil, fmt.Errorf("map page: %w", err)
	}
	page := s.body.String()
	names := parseMap(page)
	if len(names) == 0 {
		return nil, fmt.Errorf("map page: %w",
			&BadAnswerError{Reason: "no method listed", Excerpt: clean(page, *key, maxExcerpt)})
	}
	return names, nil
}

// parseMap finds the names: an identifier at the very beginning of a line, and then a colon, an opening parenthesis or the
// line's end. Documentation is indented, or goes on in the name's line.
func parseMap(page string) []string {
	var names []string
	for line := range strings.Lines(html.UnescapeString(textOf(page))) {
		if name := leadingName(strings.TrimRight(line, " \t\r\n")); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// leadingName returns the identifier that the line begins with, if it looks like a method's.
func leadingName(line string) string {
	end := strings.IndexFunc(line, func(r rune) bool {
		return r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if end < 0 {
		end = len(line)
	}
	name, rest := line[:end], line[end:]
	if name == "" || len(name) > maxLabel || name[0] == '.' || name[0] >= '0' && name[0] <= '9' {
		return ""
	}
	if rest != "" && rest[0] != ':' && rest[0] != '(' {
		return ""
	}
	return name
}

// textOf takes out the tags, and with their contents those that hold no text of the page. A tag that is not inline begins a
// new line.
func textOf(page string) string {
	var b strings.Builder
	for page != "" {
		text, rest, found := strings.Cut(page, "<")
		b.WriteString(text)
		if !found {
			break
		}
		if !isTag(rest) {
			b.WriteByte('<') // documentation with a "less than" in it
			page = rest
			continue
		}
		tag, after, _ := strings.Cut(rest, ">")
		switch name := tagName(tag); name {
		case "head", "title", "script", "style":
			after = skipTo(after, "</"+name)
		case "a", "/a", "b", "/b", "code", "/code", "em", "/em", "i", "/i", "span", "/span", "strong", "/strong", "tt", "/tt":
		default:
			b.WriteByte('\n')
		}
		page = after
	}
	return b.String()
}

func isTag(rest string) bool {
	if rest == "" || !strings.Contains(rest[:min(len(rest), maxTag)], ">") {
		return false
	}
	c := rest[0] | 0x20 // lower case
	return c >= 'a' && c <= 'z' || rest[0] == '/' || rest[0] == '!'
}

// tagName returns "pre" for <PRE class=x>, and "/pre" for </pre>.
func tagName(tag string) string {
	name := tag
	if end := strings.IndexAny(name, " \t\r\n"); end >= 0 {
		name = name[:end]
	}
	return strings.ToLower(name)
}

// skipTo returns the page from the end tag on, and nothing if there is none.
func skipTo(page, end string) string {
	for {
		i := strings.Index(page, "</")
		if i < 0 {
			return ""
		}
		page = page[i:]
		if len(page) >= len(end) && strings.EqualFold(page[:len(end)], end) {
			return page
		}
		page = page[2:]
	}
}
