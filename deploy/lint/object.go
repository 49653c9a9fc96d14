package lint

import (
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	jsonserializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/kubernetes/scheme"
)

// Object is one rendered object.
type Object struct {
	// JSON is the whole of it.
	JSON []byte
	// Fields is the same as maps, slices, strings, float64 and bool.
	Fields map[string]any
	// Typed is the same as Kubernetes' own Go type; nil for kinds that have none, the custom resources.
	Typed runtime.Object

	kind                  schema.GroupVersionKind
	Namespace, ObjectName string
	// strict is what strict decoding found.
	strict error
}

// NewObject reads an object. Its error is for what is no object at all; unknown fields and kinds are for the rules.
func NewObject(text []byte) (*Object, error) {
	o := &Object{JSON: text}
	if err := json.Unmarshal(text, &o.Fields); err != nil {
		return nil, err
	}
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, err
	}
	if head.Kind == "" || head.APIVersion == "" || head.Metadata.Name == "" {
		return nil, errors.New("an object without a kind, an apiVersion or a name")
	}
	o.kind = schema.FromAPIVersionAndKind(head.APIVersion, head.Kind)
	o.Namespace, o.ObjectName = head.Metadata.Namespace, head.Metadata.Name
	if !scheme.Scheme.Recognizes(o.kind) {
		return o, nil
	}
	strict := jsonserializer.NewSerializerWithOptions(jsonserializer.DefaultMetaFactory, scheme.Scheme, scheme.Scheme,
		jsonserializer.SerializerOptions{Strict: true})
	typed, _, err := strict.Decode(text, nil, nil)
	if err != nil && !runtime.IsStrictDecodingError(err) {
		return nil, fmt.Errorf("%s: %w", o, err)
	}
	o.Typed, o.strict = typed, err
	return o, nil
}

// String returns the kind and the name: Deployment/leadhit-sync.
func (o *Object) String() string { return o.kind.Kind + "/" + o.ObjectName }

// into fills v from the object: a struct of what a rule wants to know of a custom resource.
func (o *Object) into(v any) error { return json.Unmarshal(o.JSON, v) }
