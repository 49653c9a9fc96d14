package spec_test

import (
	"fmt"

	"leadhit-sync/consumer/mapping/spec"
)

func ExampleRead() {
	const text = `fields:
  order_id: {path: $.id}
  status:   {path: $.state, normalise: [lower]}
status: {paid: [Y]}
`
	var problems spec.Problems
	file := spec.Read("shop.yaml", "shop", []byte(text), &problems)
	source := file.Mappings[0].Fields[0].Sources[0]
	fmt.Println(source.Kind, source.From.Value)
	fmt.Println(problems.Err())
	// Output:
	// path $.id
	// shop.yaml:3:29: mapping shop: fields.status: unknown name "normalise" (did you mean "normalize"?)
	// shop.yaml:4:17: mapping shop: status.paid[0]: quote it: YAML readers differ on what Y is
}
