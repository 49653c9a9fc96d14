package spec

// KnownNames returns the names recognised in each kind of object, so that a test can compare them with the JSON Schema.
func KnownNames() map[string][]string {
	r := &reader{Problems: &Problems{}}
	all := make(map[string][]string)
	for kind, known := range map[string]names{
		"mapping": r.bodyNames(&Mapping{}),
		"file":    r.fileNames(&File{}),
		"field":   r.fieldNames(&Field{}),
		"rule":    r.ruleNames(&Rule{}),
	} {
		for name := range known {
			all[kind] = append(all[kind], name)
		}
	}
	for name := range r.sourceNames(func(Source) {}) {
		all["source"] = append(all["source"], name)
	}
	all["source"] = append(all["source"], "extract")
	return all
}
