package groups

// ParseGroupList returns how many groups were read from the body of a response.
func ParseGroupList(body []byte) (groups int, err error) {
	l := &groupList{}
	err = l.parse(body)
	return len(l.groups), err
}
