package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kelseyhightower/envconfig"
)

// list is a list of words, separated by commas, without the blanks around them.
type list []string

// UnmarshalText refuses an empty item, which comes from an extra comma or from a variable that expanded to nothing.
func (l *list) UnmarshalText(text []byte) error {
	items := strings.Split(string(text), ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	if slices.Contains(items, "") {
		return errors.New("has an empty item")
	}
	for i, item := range items {
		if slices.Contains(items[:i], item) {
			return fmt.Errorf("names %q twice", clip(item))
		}
	}
	*l = items
	return nil
}

// setting is one field of Config with its tags, which is one row in the table.
type setting struct {
	field reflect.StructField
	value reflect.Value
}

// settingsOf returns c's settings in the order of the fields. Reading a setting sets its field.
func settingsOf(c *Config) []setting {
	return gather(nil, reflect.ValueOf(c).Elem())
}

func gather(to []setting, group reflect.Value) []setting {
	for field, value := range group.Fields() {
		switch {
		case field.Tag.Get("envconfig") != "":
			to = append(to, setting{field, value})
		case field.Type.Kind() == reflect.Struct:
			to = gather(to, value)
		}
	}
	return to
}

func (s setting) tag(key string) string { return s.field.Tag.Get(key) }
func (s setting) name() string          { return s.tag("envconfig") }
func (s setting) required() bool        { return s.tag("required") == "true" }

// example returns a value that works: the tag "example", or else the default.
func (s setting) example() string {
	if example := s.tag("example"); example != "" {
		return example
	}
	return s.tag("default")
}

// read reads the setting from the environment, and returns the mistake in it, or "".
func (s setting) read() string {
	raw, set := os.LookupEnv(s.name())
	if set && strings.TrimSpace(raw) == "" && (s.required() || s.tag("default") != "") {
		return "set but empty"
	}
	if err := s.process(); err != nil {
		return s.explain(err)
	}
	if set {
		return s.outside(raw)
	}
	return ""
}

// process has envconfig fill the field. It passes envconfig a struct with only this field, because envconfig stops at
// the first mistake and we want all mistakes.
func (s setting) process() error {
	field := reflect.StructField{Name: s.field.Name, Type: s.field.Type, Tag: s.field.Tag}
	one := reflect.New(reflect.StructOf([]reflect.StructField{field}))
	if err := envconfig.Process("", one.Interface()); err != nil {
		return err
	}
	s.value.Set(one.Elem().Field(0))
	return nil
}

// explain replaces the text of envconfig's error, because it contains the value, which may be a secret.
func (s setting) explain(err error) string {
	parse, ok := errors.AsType[*envconfig.ParseError](err)
	if !ok {
		return required
	}
	switch s.value.Interface().(type) {
	case time.Duration:
		return fmt.Sprintf("%q is not a duration", clip(parse.Value))
	case int:
		return fmt.Sprintf("%q is not a whole number", clip(parse.Value))
	case float64:
		return fmt.Sprintf("%q is not a number", clip(parse.Value))
	case bool:
		return fmt.Sprintf("%q is neither true nor false", clip(parse.Value))
	}
	if s.tag("choices") != "" {
		return s.noChoice(parse.Value)
	}
	// This is one of our own types, whose errors are written to be shown here.
	return parse.Err.Error()
}

// outside returns how the value breaks the limits in the tags, or "" if it does not. raw is the value as given.
func (s setting) outside(raw string) string {
	if choices := s.tag("choices"); choices != "" && raw != "" && !slices.Contains(strings.Split(choices, ","), raw) {
		return s.noChoice(raw)
	}
	low, high := s.tag("min"), s.tag("max")
	if low == "" {
		return ""
	}
	number, ok := s.number(raw)
	if !ok {
		return fmt.Sprintf("%q is not a plain decimal number", clip(raw))
	}
	least, okLeast := s.number(low)
	most, okMost := s.number(high)
	if okLeast && okMost && least <= number && number <= most {
		return ""
	}
	return fmt.Sprintf("%q is not between %s and %s", clip(raw), low, high)
}

func (s setting) noChoice(raw string) string {
	return fmt.Sprintf("%q is not one of %s", clip(raw), strings.ReplaceAll(s.tag("choices"), ",", ", "))
}

// number parses text of the setting's kind: a duration's nanoseconds, a size's bytes, or a decimal number. envconfig
// reads 010 as 8, and accepts NaN and 0x1p4; we do not.
func (s setting) number(text string) (float64, bool) {
	var err error
	var n float64
	switch s.value.Interface().(type) {
	case time.Duration:
		var d time.Duration
		d, err = time.ParseDuration(text)
		n = float64(d)
	case size:
		var b size
		err = b.UnmarshalText([]byte(text))
		n = float64(b)
	case float64:
		if strings.Trim(text, "0123456789.") != "" {
			return 0, false
		}
		n, err = strconv.ParseFloat(text, 64)
	default:
		var whole int64
		whole, err = strconv.ParseInt(text, 10, 64)
		if err == nil && strconv.FormatInt(whole, 10) != text {
			return 0, false
		}
		n = float64(whole)
	}
	return n, err == nil
}

// clip shortens a value, so that a message stays one readable line even if the variable contains a whole file.
func clip(value string) string {
	const most = 60
	if len(value) <= most {
		return value
	}
	return value[:most] + "…"
}
