package groups

// ParseGroupList returns how many groups were read from the body of a response.
func ParseGroupList(body []byte) (groups int, err error) {
	list, err := parseGroupList(body)
	return len(list), err
}

// ParseTopicIDs returns how many ids were read from the body of a response.
func ParseTopicIDs(body []byte) (ids int, err error) {
	all, err := parseTopicIDs(body)
	return len(all), err
}

// ParseCommitted returns how many partitions were read from the body of a response.
func ParseCommitted(body []byte) (partitions int, err error) {
	codes, err := parseCommitted(body, nil)
	return len(codes), err
}
