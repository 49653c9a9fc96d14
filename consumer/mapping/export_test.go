package mapping

// KnownNames returns the names that the loader takes in each kind of object, for the JSON Schema is compared with it.
func KnownNames() map[string][]string {
	r := &reader{problems: &problems{}}
	all := make(map[string][]string)
	for kind, known := range map[string]names{
		"mapping": r.bodyNames(&spec{}),
		"file":    r.fileNames(&fileSpec{}),
		"field":   r.fieldNames(&fieldSpec{}),
		"rule":    r.ruleNames(&ruleSpec{}),
	} {
		for name := range known {
			all[kind] = append(all[kind], name)
		}
	}
	for name := range r.sourceNames(func(sourceSpec) {}) {
		all["source"] = append(all["source"], name)
	}
	all["source"] = append(all["source"], "extract")
	return all
}

// TypeNames returns the types of fields.
func TypeNames() []string {
	return typeNames()
}
