package tree

// A Plan is the set of paths that one pass looks for. Fill it before the first scan; from then on it is safe for
// concurrent use. The zero value looks for nothing.
type Plan struct {
	root      node
	item      node
	slots     int // of the whole document
	itemSlots int // of each item
	longest   int // bytes of the longest name
	list      bool
}

// A node is one place in the trie of all paths.
type node struct {
	slots []int // where to store the value found here
	// names, indexes and ends are the next steps. A map is nil if no path continues in it.
	names   map[string]*node
	indexes map[int]*node // from the start
	ends    map[int]*node // from the end; 1 is the last
	deepest int           // the largest key of ends
	each    bool          // this is the list of items
}

// Add adds the path of one value in the whole document, and returns the value's slot.
func (p *Plan) Add(path Path) (slot int) { return p.add(&p.root, &p.slots, path) }

// AddItem adds the path of one value in each item in the list, and returns the value's slot.
func (p *Plan) AddItem(path Path) (slot int) { return p.add(&p.item, &p.itemSlots, path) }

// add adds a path and returns its slot. Two paths to the same value have a slot each, so that no caller has to compare
// paths.
func (p *Plan) add(root *node, slots *int, path Path) (slot int) {
	slot = *slots
	*slots++
	n := p.grow(root, path)
	n.slots = append(n.slots, slot)
	return slot
}

// Each sets the list whose elements are the items, and returns the slot of the list itself.
func (p *Plan) Each(list Path) (slot int) {
	slot = p.Add(list)
	p.grow(&p.root, list).each = true
	p.list = true
	return slot
}

// grow adds the nodes of a path, and returns the last one. Paths with a common beginning share nodes, so that one pass
// follows them all.
func (p *Plan) grow(n *node, path Path) *node {
	for _, s := range path {
		switch {
		case s.kind == member:
			p.longest = max(p.longest, len(s.name))
			n = child(&n.names, s.name)
		case s.index >= 0:
			n = child(&n.indexes, s.index)
		default:
			n.deepest = max(n.deepest, -s.index)
			n = child(&n.ends, -s.index)
		}
	}
	return n
}

// child returns a child, and adds it if it is missing.
func child[K comparable](children *map[K]*node, key K) *node {
	if *children == nil {
		*children = make(map[K]*node)
	}
	n := (*children)[key]
	if n == nil {
		n = new(node)
		(*children)[key] = n
	}
	return n
}

// leaf reports whether no path leads further than n.
func (n *node) leaf() bool {
	return n == nil || len(n.names) == 0 && len(n.indexes) == 0 && len(n.ends) == 0 && !n.each
}
