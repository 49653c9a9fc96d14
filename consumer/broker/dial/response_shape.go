package dial

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/alterconfigs"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/createtopics"
	"github.com/segmentio/kafka-go/protocol/describeconfigs"
	"github.com/segmentio/kafka-go/protocol/describegroups"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
	"github.com/segmentio/kafka-go/protocol/initproducerid"
	"github.com/segmentio/kafka-go/protocol/joingroup"
	"github.com/segmentio/kafka-go/protocol/leavegroup"
	"github.com/segmentio/kafka-go/protocol/listgroups"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"github.com/segmentio/kafka-go/protocol/offsetdelete"
	"github.com/segmentio/kafka-go/protocol/offsetfetch"
	"github.com/segmentio/kafka-go/protocol/produce"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
	"github.com/segmentio/kafka-go/protocol/syncgroup"
)

const fetchKey = int16(protocol.Fetch)

// shapeOf returns the type whose field tags describe each version of the response to a request. kafka-go's own decoder
// follows these tags; its older decoder, for the group's membership, reads the same bytes into other types. shapeOf
// returns nil for a request that we never send.
func shapeOf(key int16) reflect.Type {
	responses := [...]protocol.Message{
		new(alterconfigs.Response), new(apiversions.Response), new(createtopics.Response), new(describeconfigs.Response),
		new(describegroups.Response), new(findcoordinator.Response), new(heartbeat.Response), new(initproducerid.Response),
		new(joingroup.Response), new(leavegroup.Response), new(listgroups.Response), new(listoffsets.Response),
		new(metadata.Response), new(offsetcommit.Response), new(offsetdelete.Response), new(offsetfetch.Response),
		new(produce.Response), new(saslauthenticate.Response), new(saslhandshake.Response), new(syncgroup.Response),
	}
	for _, r := range responses {
		if int16(r.ApiKey()) == key {
			return reflect.TypeOf(r).Elem()
		}
	}
	return nil
}

// responseLimit returns the maximum size of the responses of an API.
func responseLimit(key int16) int64 {
	switch protocol.ApiKey(key) {
	case protocol.ApiVersions, protocol.FindCoordinator, protocol.Heartbeat, protocol.LeaveGroup, protocol.SaslHandshake,
		protocol.SaslAuthenticate:
		return smallResponse
	default: // may list any number of topics and partitions
		return largeResponse
	}
}

// shaped reads a response from a connection and compares its counts and lengths with its size, so that kafka-go can
// trust them. For such a response kafka-go allocates a small multiple of the bytes that have arrived.
type shaped struct {
	conn  *framedConn
	whole int // the size of the frame
	at    int // where the next field starts
	err   error
}

// unread is how many bytes may follow the last field of a response. Normally none do, because kafka-go reads all fields
// of the versions that it requests.
const unread = 64 << 10

// check compares each length in a response with the number of bytes that are left, before kafka-go allocates that much
// memory.
func (s *shaped) check(a awaited) error {
	name := protocol.ApiKey(a.key).String()
	shape := shapeOf(a.key)
	if shape == nil {
		// This is our own bug: a request was added, but not its response in shapeOf.
		return fmt.Errorf("the shape of responses to %s is not known", name)
	}
	if a.version > protocol.ApiKey(a.key).MaxVersion() {
		// kafka-go does not read this version. Our own readers do, and they compare each length with the bytes that are
		// left.
		s.take(int64(s.whole - s.at))
		return s.err
	}
	fields := s.conn.shapes.fields(shape, a.version)
	if fields.flexible {
		s.tags(nil)
	}
	s.structure(fields)
	if a.key == int16(protocol.SyncGroup) && s.err == nil {
		s.assignment(a.version)
	}
	if s.err == nil && s.whole-s.at > unread {
		s.err = errLongFrame
	}
	if s.err == nil {
		s.take(int64(s.whole - s.at))
	}
	if malformed, ok := errors.AsType[shapeError](s.err); ok {
		return s.conn.peer.malformed(name, string(malformed))
	}
	return s.err
}

// shapeError names a length that is impossible.
type shapeError string

func (e shapeError) Error() string { return string(e) }

const (
	errLongFrame = shapeError("it is longer than its content")
	errBadVarint = shapeError("a number in it does not end")
	errNoCount   = shapeError("a list in it has a negative length")
)

// take reads n bytes and moves past them. After an error it returns nil.
func (s *shaped) take(n int64) []byte {
	if s.err != nil || n <= 0 {
		return nil
	}
	if n > int64(s.whole-s.at) {
		s.err = shapeError(fmt.Sprintf("a length in it claims %d bytes, and %d are left", n, s.whole-s.at))
		return nil
	}
	end := s.at + int(n)
	if s.err = s.conn.arrive(end, s.whole); s.err != nil {
		return nil
	}
	taken := s.conn.frame[s.at:end]
	s.at = end
	return taken
}

// uvarint reads a number byte by byte, because only its bytes show how long it is, and the last ones may not have
// arrived.
func (s *shaped) uvarint() uint64 {
	var x uint64
	for shift := 0; shift < 64; shift += 7 {
		b := s.take(1)
		if s.err != nil {
			return 0
		}
		x |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			return x
		}
	}
	s.err = errBadVarint
	return 0
}

// length reads a length or count of width bytes, or a compact one if width is 0. It returns -1 for null.
func (s *shaped) length(width int) int64 {
	var b []byte
	switch width {
	case 0:
		n := s.uvarint()
		if n > uint64(s.whole)+1 { // also refuses what would be negative as an int64
			s.err = shapeError("a length in it exceeds the size of the response")
			return -1
		}
		return int64(n) - 1
	case 2:
		if b = s.take(2); b != nil {
			return int64(int16(binary.BigEndian.Uint16(b)))
		}
	case 4:
		if b = s.take(4); b != nil {
			return int64(int32(binary.BigEndian.Uint32(b)))
		}
	}
	return -1
}

// structure reads the fields in the order of kafka-go's types, which is the protocol's order.
func (s *shaped) structure(f fields) {
	for _, field := range f.regular {
		s.field(field)
	}
	if f.flexible {
		s.tags(f.tagged)
	}
}

// tags reads tagged fields (KIP-482). Each field is preceded by its tag and size.
func (s *shaped) tags(known map[int]field) {
	for n := s.uvarint(); n > 0 && s.err == nil; n-- {
		tag, size := s.uvarint(), s.uvarint()
		if s.err == nil && size > uint64(s.whole-s.at) {
			s.err = shapeError("a tagged field in it is longer than the rest of it")
			return
		}
		if f, ok := known[int(min(tag, 1<<30))]; ok {
			s.field(f)
			continue
		}
		s.take(int64(size))
	}
}

// field reads one field. Each number is checked before it bounds a loop or a read.
func (s *shaped) field(f field) {
	switch f.kind {
	case fixedField:
		s.take(int64(f.width))
	case bytesField:
		s.take(s.length(f.width))
	case arrayField:
		n := s.length(f.width)
		if s.err == nil && (n < -1 || n < 0 && f.notNull) { // a response that has not arrived is not malformed
			s.err = errNoCount
		}
		if s.err == nil && n > int64(s.whole-s.at) { // an element takes at least a byte
			s.err = shapeError(fmt.Sprintf("a list in it claims %d elements in %d bytes", n, s.whole-s.at))
		}
		for ; n > 0 && s.err == nil; n-- {
			s.structure(*f.element)
		}
	}
}

// assignment checks the last field of a response to SyncGroup. In this field the group's leader lists partitions, and
// kafka-go allocates memory for as many topics as the list claims.
func (s *shaped) assignment(version int16) {
	type topic struct {
		Name       string  `kafka:"min=v0,max=v99"`
		Partitions []int32 `kafka:"min=v0,max=v99"`
	}
	type assignment struct {
		Version int16   `kafka:"min=v0,max=v99"`
		Topics  []topic `kafka:"min=v0,max=v99"`
	}
	const codeBytes, lengthBytes, throttleBytes, flexible = 2, 4, 4, 4
	start := headBytes + codeBytes + lengthBytes
	switch {
	case version >= flexible:
		return // kafka-go's membership requests version 0
	case version > 0:
		start += throttleBytes
	}
	if s.at <= start {
		return // nothing is assigned
	}
	inner := &shaped{conn: s.conn, whole: s.at, at: start}
	inner.structure(s.conn.shapes.fields(reflect.TypeFor[assignment](), 0))
	s.err = inner.err
}

// fields describes the fields that a structure has in one version.
type fields struct {
	regular  []field
	tagged   map[int]field
	flexible bool // strings and lists have compact lengths, and tagged fields follow
}

type fieldKind uint8

const (
	fixedField fieldKind = iota // a value of width bytes
	bytesField                  // a string or bytes; the length takes width bytes, or is compact if width is 0
	arrayField                  // a list; the count takes width bytes, or is compact if width is 0
)

type field struct {
	kind    fieldKind
	width   int
	element *fields
	notNull bool // kafka-go cannot handle a count of -1
}

// shapes caches the fields of each type and version, as the type's tags describe them.
type shapes struct{ known sync.Map } // from shapeVersion to fields

type shapeVersion struct {
	shape   reflect.Type
	version int16
}

// fields reads the tags of a type's fields, as kafka-go does.
func (s *shapes) fields(shape reflect.Type, version int16) fields {
	key := shapeVersion{shape, version}
	if known, ok := s.known.Load(key); ok {
		return known.(fields)
	}
	flexible := false
	for f := range shape.Fields() {
		for _, t := range tagsOf(f) {
			flexible = flexible || t.id > noTag && int(version) >= t.least
		}
	}
	f := structureOf(shape, version, flexible)
	s.known.Store(key, f)
	return f
}

// structureOf returns the fields of a type that exist in a version. The versions of a field's tags do not overlap, so
// the first tag that fits counts.
func structureOf(shape reflect.Type, version int16, flexible bool) fields {
	f := fields{tagged: map[int]field{}, flexible: flexible}
	for member := range shape.Fields() {
		for _, t := range tagsOf(member) {
			if int(version) < t.least || int(version) > t.most {
				continue
			}
			switch {
			case t.id == noTag:
				f.regular = append(f.regular, f.member(member.Type, version))
			case t.id >= 0:
				f.tagged[t.id] = f.member(member.Type, version)
			}
			break
		}
	}
	return f
}

// member returns the description of a field of type t.
func (f *fields) member(t reflect.Type, version int16) field {
	switch t.Kind() {
	case reflect.String:
		return field{kind: bytesField, width: f.width(2)}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return field{kind: bytesField, width: f.width(4)}
		}
		element := fields{flexible: f.flexible}
		if t.Elem().Kind() == reflect.Struct {
			element = structureOf(t.Elem(), version, f.flexible)
		} else {
			element.regular = []field{element.member(t.Elem(), version)}
			element.flexible = false // no tagged fields follow such an element
		}
		notNull := t.Elem() == reflect.TypeFor[apiversions.ApiKeyResponse]()
		return field{kind: arrayField, width: f.width(4), element: &element, notNull: notNull}
	default:
		return field{kind: fixedField, width: int(t.Size())}
	}
}

// width returns how many bytes a length takes; 0 means that the length is compact.
func (f *fields) width(fixed int) int {
	if f.flexible {
		return 0
	}
	return fixed
}

// fieldTag says in which versions a field exists.
type fieldTag struct {
	least, most, id int
}

// noTag is the id of a field that is not tagged. The id -1 marks a structure that may have tagged fields.
const noTag = -2

// tagsOf reads a field's tags, such as "min=v0,max=v4|min=v5,max=v5,compact".
func tagsOf(f reflect.StructField) []fieldTag {
	var tags []fieldTag
	for text := range strings.SplitSeq(f.Tag.Get("kafka"), "|") {
		tag := fieldTag{least: -1, most: -1, id: noTag}
		for option := range strings.SplitSeq(text, ",") {
			name, value, _ := strings.Cut(option, "=")
			n, _ := strconv.Atoi(strings.TrimPrefix(value, "v")) // 0 for options without a number
			switch {
			case name == "min":
				tag.least = n
			case name == "max":
				tag.most = n
			case name == "tag" && value == "":
				tag.id = -1
			case name == "tag":
				tag.id = n
			}
		}
		if tag.least >= 0 {
			tags = append(tags, tag)
		}
	}
	return tags
}
