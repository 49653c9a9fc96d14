package ledger

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// maxID is enough for the longest topic name (249 bytes), the separators and the numbers.
const maxID = 320

// NoItem is the Item of an ID that names a whole event.
const NoItem = -1

// ID names a letter by the place of its event. If the event is about several orders, Item is the index of the order
// that the letter is about.
type ID struct {
	Topic     string
	Partition int
	Offset    int64
	Item      int // NoItem, or the item's number, counted from 0
}

var errNoID = errors.New("id: neither topic/partition/offset nor topic/partition/offset#item")

// ParseID reads an id: topic/partition/offset, or topic/partition/offset#item. Each letter has exactly one id, so
// numbers have no sign and no leading zero.
func ParseID(text string) (ID, error) {
	place, item, several := strings.Cut(text, "#")
	parts := strings.Split(place, "/")
	if len(text) > maxID || len(parts) != 3 || parts[0] == "" {
		return ID{}, errNoID
	}
	partition, good := number(parts[1], math.MaxInt32)
	offset, goodOffset := number(parts[2], math.MaxInt64)
	id := ID{Topic: parts[0], Partition: int(partition), Offset: offset, Item: NoItem}
	goodItem := true
	if several {
		var n int64
		n, goodItem = number(item, math.MaxInt32)
		id.Item = int(n)
	}
	if !good || !goodOffset || !goodItem {
		return ID{}, errNoID
	}
	return id, nil
}

func number(text string, most int64) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 0 && n <= most && strconv.FormatInt(n, 10) == text
}

// String returns the id in the form that entries and letters use.
func (id ID) String() string {
	text := id.Topic + "/" + strconv.Itoa(id.Partition) + "/" + strconv.FormatInt(id.Offset, 10)
	if id.Item != NoItem {
		text += "#" + strconv.Itoa(id.Item)
	}
	return text
}
