package mapping

import (
	"regexp"
	"strings"
)

// A slip is another language's operator in a rule. At is its offset in the rule, in bytes.
type slip struct {
	at   int
	text string
}

// slips finds operators from SQL, Python and JavaScript. Quoted text and field names are not operators.
func slips(rule string, isField func(string) bool) []slip {
	var all []slip
	operator := regexp.MustCompile(`[=!<>~&|?]+|\p{L}[\p{L}\p{N}_]*|[“”‘’«»]`)
	code := withoutTexts(rule)
	for _, span := range operator.FindAllStringIndex(code, -1) {
		word := code[span[0]:span[1]]
		if advice := operatorAdvice(word); advice != "" && !isField(word) {
			all = append(all, slip{span[0], advice})
		}
	}
	return all
}

// operatorAdvice returns what to write in CEL instead of another language's operator. It returns "" for CEL's own
// operators and for unknown words.
func operatorAdvice(word string) string {
	write := func(cel string) string { return `"` + word + `" is not an operator in rules; write ` + cel }
	switch word {
	case "=", "===":
		return write("==")
	case "!==", "<>", "=!", "~=":
		return write("!=")
	case "=~", "~":
		return write(`field.matches("…")`)
	case "=>":
		return write(">=")
	case "=<":
		return write("<=")
	case "&":
		return write("&&")
	case "|":
		return write("||")
	case "??":
		return write("first_of in the field")
	case "“", "”", "‘", "’", "«", "»":
		return write(`a string in straight quotes: "…"`)
	}
	switch strings.ToLower(word) {
	case "and":
		return write("&&")
	case "or":
		return write("||")
	case "not":
		return write("!")
	case "is":
		return write("==")
	case "like":
		return write(`field.startsWith("…"), endsWith, contains or matches`)
	case "between":
		return write("field >= … && field <= …")
	case "in", "null", "true", "false":
		if lower := strings.ToLower(word); lower != word {
			return write(lower)
		}
	case "nil", "none", "undefined":
		return write("null")
	}
	return ""
}

// withoutTexts returns a rule with its quoted text replaced by spaces. Offsets stay the same.
func withoutTexts(rule string) string {
	code := []byte(rule)
	var quote byte
	for i := 0; i < len(code); i++ {
		switch c := code[i]; {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0:
		case c == '\\' && i+1 < len(code):
			code[i], code[i+1] = ' ', ' '
			i++
		case c == quote:
			quote = 0
		default:
			code[i] = ' '
		}
	}
	return string(code)
}

// functionAdvice returns advice about the unknown function that CEL's message names, or "" if it has none.
func functionAdvice(message string) string {
	m := regexp.MustCompile(`undeclared reference to '(\w+)'`).FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	switch strings.ToLower(m[1]) {
	case "lower", "tolower", "lowerascii", "tolowercase", "lowercase", "upper", "toupper", "toupperascii", "upperascii",
		"touppercase", "trim", "strip":
		return "normalize the field instead: normalize: [trim, lower]"
	case "sum", "reduce", "total", "fold", "count":
		return "rules cannot add up values: use a field that holds the shop's total"
	case "now", "today", "date", "sysdate":
		return "rules cannot read the clock"
	case "len", "length":
		return "write size(field)"
	case "isnull", "empty", "isempty", "exists", "defined", "isset":
		return "write field != null, or give the field type: present"
	case "float", "number", "parsefloat", "parseint", "tonumber", "decimal":
		return "give the field type: number"
	}
	return ""
}
