package lint

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	jsonserializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/kubernetes/scheme"
	strictjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// Overlay is a decoded rendering.
type Overlay struct {
	// Worker is the Deployment with a container named worker.
	Worker *appsv1.Deployment

	objects   []object
	container *corev1.Container
	settings  map[string]string
}

// object is one object in a rendering.
type object struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	// content is of a Kubernetes type, or of a type in custom.go. It is nil for unknown kinds.
	content any
	// wrong lists the errors from strict decoding.
	wrong []error
}

func (o *object) String() string { return o.Kind + "/" + o.Name }

// Read decodes a rendering. It returns an error for a document that is not an object, and if there is no worker.
// [Overlay.Judge] reports unknown kinds and fields.
func Read(rendering string) (*Overlay, error) {
	o := new(Overlay)
	for document := range strings.SplitSeq(rendering, "\n---\n") {
		text, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			return nil, err
		}
		decoded, err := decode(text)
		if err != nil {
			return nil, err
		}
		o.objects = append(o.objects, decoded)
	}
	for _, d := range contents[*appsv1.Deployment](o) {
		containers := d.Spec.Template.Spec.Containers
		if i := slices.IndexFunc(containers, func(c corev1.Container) bool { return c.Name == "worker" }); i >= 0 {
			o.Worker, o.container = d, &containers[i]
		}
	}
	if o.Worker == nil {
		return nil, errors.New("no Deployment with a container named worker")
	}
	o.settings = o.environment(o.container)
	return o, nil
}

func decode(text []byte) (object, error) {
	var o object
	if err := yaml.Unmarshal(text, &o); err != nil {
		return o, err
	}
	if o.Kind == "" || o.APIVersion == "" || o.Name == "" {
		return o, errors.New("an object without a kind, an apiVersion or a name")
	}
	if scheme.Scheme.Recognizes(o.GroupVersionKind()) {
		strict := jsonserializer.NewSerializerWithOptions(jsonserializer.DefaultMetaFactory, scheme.Scheme, scheme.Scheme,
			jsonserializer.SerializerOptions{Strict: true})
		typed, _, err := strict.Decode(text, nil, nil)
		if err != nil && !runtime.IsStrictDecodingError(err) {
			return o, fmt.Errorf("%s: %w", &o, err)
		}
		if o.content = typed; err != nil {
			o.wrong = []error{err}
		}
		return o, nil
	}
	if o.content = customResource(o.APIVersion, o.Kind); o.content == nil {
		o.wrong = []error{fmt.Errorf("unknown kind %s of %s", o.Kind, o.APIVersion)}
		return o, nil
	}
	// Unlike encoding/json, this matches field names case-sensitively, as the API server does.
	wrong, err := strictjson.UnmarshalStrict(text, o.content)
	if o.wrong = wrong; err != nil {
		o.wrong = append(o.wrong, err)
	}
	return o, nil
}

// contents returns the contents of type T.
func contents[T any](o *Overlay) []T {
	var found []T
	for i := range o.objects {
		if content, ok := o.objects[i].content.(T); ok {
			found = append(found, content)
		}
	}
	return found
}

// configMap returns the ConfigMap in the worker's namespace that a reference names, or nil.
func (o *Overlay) configMap(ref *corev1.ConfigMapEnvSource) *corev1.ConfigMap {
	for _, m := range contents[*corev1.ConfigMap](o) {
		if ref != nil && m.Name == ref.Name && m.Namespace == o.Worker.Namespace {
			return m
		}
	}
	return nil
}

// Environment returns the worker's environment: the settings in its ConfigMap and the values set in the container.
func (o *Overlay) Environment() map[string]string { return maps.Clone(o.settings) }

// Arguments returns the worker's command line.
func (o *Overlay) Arguments() []string { return o.container.Args }

// Files returns the content of the ConfigMaps that are mounted into the worker, by path.
func (o *Overlay) Files() map[string]string {
	all := map[string]string{}
	for _, mount := range o.container.VolumeMounts {
		for _, v := range o.Worker.Spec.Template.Spec.Volumes {
			if v.Name != mount.Name || v.ConfigMap == nil {
				continue
			}
			if m := o.configMap(&corev1.ConfigMapEnvSource{LocalObjectReference: v.ConfigMap.LocalObjectReference}); m != nil {
				for key, content := range m.Data {
					all[path.Join(mount.MountPath, key)] = content
				}
			}
		}
	}
	return all
}

// Queries returns the PromQL queries by which KEDA scales the worker.
func (o *Overlay) Queries() []string {
	var found []string
	for _, s := range contents[*scaledObject](o) {
		for _, t := range s.Spec.Triggers {
			if t.Type == "prometheus" {
				found = append(found, t.Metadata.Query)
			}
		}
	}
	return found
}
