package leadhit

import (
	"context"
	"fmt"
	"regexp"
)

// HasMethod reports whether the node's map page lists [Method]. A page without any method proves nothing, so HasMethod
// then returns a *BadAnswerError. Other errors are the same as from SetOrderStatus.
func (c *Client) HasMethod(ctx context.Context) (bool, error) {
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	s, _ := c.scratch.Get().(*scratch)
	defer c.release(s)
	key := c.key.load()
	if err := c.exchange(c.mapPage.WithContext(bounded), key, s); err != nil {
		return false, fmt.Errorf("map page: %w", stoppedBy(ctx, err))
	}
	found, some := lists(s.body.String(), Method)
	if !some {
		return false, fmt.Errorf("map page: %w",
			&BadAnswerError{Reason: "no method listed", Excerpt: clean(s.body.String(), *key, maxExcerpt)})
	}
	return found, nil
}

// lists reports whether a page lists a method, and whether it lists any method at all. The Python package json-rpc puts
// "name: documentation" for each method into a <pre>, indents further lines of documentation and escapes nothing. So a
// name is an identifier at the start of a line or right after a tag, followed by a colon, a parenthesis, a tag or the
// end of the line.
func lists(page, method string) (found, some bool) {
	name := regexp.MustCompile(`(?m)(?:^|>)([A-Za-z_][\w.]*)(?:[:(<]|[ \t\r]*$)`)
	for _, match := range name.FindAllStringSubmatch(page, -1) {
		if match[1] == method {
			return true, true
		}
		some = true
	}
	return false, some
}
