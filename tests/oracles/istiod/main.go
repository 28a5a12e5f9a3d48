// Istio's discovery server over the objects of one file: what istiod makes of Ingresses, as Envoy gets it.
//
//	istiod OBJECTS ADDRESS READY
//
// OBJECTS is a JSON list of Kubernetes objects, with the mesh configuration as ConfigMap `istio`; ADDRESS is
// where Envoy asks for its configuration, without TLS, and READY what is listened on once it is there. The server is the one that Istio's own tests start: its
// controllers read the objects from memory instead of an API server.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"google.golang.org/protobuf/types/known/wrapperspb"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/test"
)

// Filters that only Istio's own build of Envoy has; they do not route. Istio reads this before `main` runs.
var without = []string{"PILOT_ENABLE_ALPN_FILTER=false", "PILOT_ENABLE_METADATA_EXCHANGE=false"}

func main() {
	if name, value, _ := strings.Cut(without[0], "="); os.Getenv(name) != value {
		err := syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), without...))
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := test.Wrap(serve); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(t test.Failer) {
	objects := read(t, os.Args[1])
	config := mesh.DefaultMeshConfig()
	for _, object := range objects {
		if told, is := object.(*corev1.ConfigMap); is && told.Name == "istio" {
			applied, err := mesh.ApplyMeshConfig(told.Data["mesh"], config)
			if err != nil {
				t.Fatal(err)
			}
			config = applied
		}
	}
	// There are no sidecars, and no certificates between the pods.
	config.EnableAutoMtls = wrapperspb.Bool(false)
	xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
		KubernetesObjects:          objects,
		MeshConfig:                 config,
		DisableSecretAuthorization: true,
		ListenerBuilder:            func() (net.Listener, error) { return net.Listen("tcp", os.Args[2]) },
	})
	ready, err := net.Listen("tcp", os.Args[3])
	if err != nil {
		t.Fatal(err)
	}
	for {
		if connection, err := ready.Accept(); err == nil {
			connection.Close()
		}
	}
}

func read(t test.Failer, path string) []runtime.Object {
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []json.RawMessage
	if err := json.Unmarshal(file, &all); err != nil {
		t.Fatal(err)
	}
	decoder := kube.IstioCodec.UniversalDeserializer()
	objects := make([]runtime.Object, 0, len(all))
	for _, one := range all {
		object, _, err := decoder.Decode(one, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
	return objects
}
