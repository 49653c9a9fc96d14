package dispatch

import "container/heap"

// queue is a heap of T that spares its users the type assertions of container/heap.
type queue[T any] struct{ inner inner[T] }

func newQueue[T any](less func(a, b T) bool) queue[T] {
	return queue[T]{inner: inner[T]{less: less}}
}

func (q *queue[T]) push(v T) {
	q.inner.last = v
	heap.Push(&q.inner, nil)
}

func (q *queue[T]) pop() T {
	heap.Pop(&q.inner)
	return q.inner.last
}

func (q *queue[T]) peek() T  { return q.inner.items[0] }
func (q *queue[T]) len() int { return len(q.inner.items) }

// inner passes each value to Push in a field, not as an argument: boxing the value in an interface would cost an
// allocation per push.
type inner[T any] struct {
	items []T
	last  T
	less  func(a, b T) bool
}

func (h *inner[T]) Len() int           { return len(h.items) }
func (h *inner[T]) Less(i, j int) bool { return h.less(h.items[i], h.items[j]) }
func (h *inner[T]) Swap(i, j int)      { h.items[i], h.items[j] = h.items[j], h.items[i] }
func (h *inner[T]) Push(any)           { h.items = append(h.items, h.last) }

func (h *inner[T]) Pop() any {
	var none T
	n := len(h.items) - 1
	h.last, h.items[n] = h.items[n], none
	h.items = h.items[:n]
	return nil
}
