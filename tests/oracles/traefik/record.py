#!/usr/bin/env python3
"""Generates sets of objects and requests, has a real Traefik answer them, and writes down what came back.

    record.py --binary TRAEFIK --provider kubernetesingress|kubernetesingressnginx --out DIR
              [--seed N] [--sets N] [--requests N]

Everything is on 127.0.0.1: an API server that lists and watches the generated objects, a backend for
every Service that says who it is and which path it got, and Traefik. A set is a folder in the layout of
a plain capture, with `vectors.jsonl` in the format of `tests/vectors`. Needs Python 3 only.
"""

import argparse
import http.server
import json
import os
import random
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

SLUGS = {"kubernetesingress": "traefik", "kubernetesingressnginx": "traefik-ingress-nginx"}
KINDS = {
    "ingresses": "Ingress",
    "ingressclasses": "IngressClass",
    "services": "Service",
    "endpointslices": "EndpointSlice",
    "secrets": "Secret",
    "configmaps": "ConfigMap",
    "namespaces": "Namespace",
    "nodes": "Node",
}
HOSTS = ["a.test", "www.a.test", "b.test", "*.b.test", "x.b.test", "long-name.of-a.team.example", "io.test", ""]
PATHS = [
    "/", "/a", "/a/", "/a/b", "/ab", "/A", "/api", "/api/v1", "/api/v1/users", "/foo", "/foo/", "/foo123",
    "/foo1234", "/healthz", "/x.y", "/very/long/prefix/path/of/this", "/a-b_c~d", "/user@home", "/app;v=1",
]
PATTERNS = ["/v[0-9]+", "/app(/|$)(.*)", "/(.*)", "/a(b|c)", "/[a-z]+/x", "/api/v1/?(.*)", "/x{2}", "/a|b"]
ASKED = ["", "/", "x", "/x", "/../a", "//", "/./b", "?q=1", "%2Fx", "/%2e%2e/", "/%61", "/%20", "/caf%C3%A9", "%", "(b)"]
NAMESPACES = ["n", "m"]
SERVICES = ["one", "two", "three", "four"]
NGINX = "nginx.ingress.kubernetes.io/"
TRAEFIK = "traefik.ingress.kubernetes.io/"


class Api(http.server.BaseHTTPRequestHandler):
    """Answers LIST and WATCH of the objects of the current set."""

    protocol_version = "HTTP/1.1"
    objects = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        query = urllib.parse.parse_qs(url.query)
        parts = url.path.strip("/").split("/")
        kind = KINDS.get(parts[-1])
        namespace = parts[parts.index("namespaces") + 1] if "namespaces" in parts[:-1] else None
        items = [
            item
            for item in Api.objects
            if item["kind"] == kind and namespace in (None, item["metadata"].get("namespace"))
        ]
        version = "/".join(parts[1:3]) if parts[0] == "apis" else "v1"
        if query.get("watch"):
            return self.watch(items if query.get("sendInitialEvents") else None, kind, version)
        body = {"kind": f"{kind}List", "apiVersion": version, "metadata": {"resourceVersion": "9"}, "items": items}
        body = json.dumps(body).encode()
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def watch(self, items, kind, version):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        mark = {"resourceVersion": "9", "annotations": {"k8s.io/initial-events-end": "true"}}
        events = [] if items is None else [{"type": "ADDED", "object": item} for item in items] + [
            {"type": "BOOKMARK", "object": {"apiVersion": version, "kind": kind, "metadata": mark}}
        ]
        try:
            for event in events:
                line = (json.dumps(event) + "\n").encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.flush()
            while True:
                time.sleep(3600)
        except OSError:
            pass


class Backend(http.server.BaseHTTPRequestHandler):
    """Says which port it is and which target it got."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        self.send_response(200)
        self.send_header("X-Port", str(self.server.server_address[1]))
        # `self.path` has lost slashes at its beginning.
        self.send_header("X-Target", self.requestline.split(" ")[1])
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = answer


def serve(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def service(namespace, name, port, state):
    meta = {"namespace": namespace, "name": name}
    ports = [{"name": "http", "port": 80, "targetPort": port, "protocol": "TCP"}]
    spec = {"type": "ClusterIP", "clusterIP": "10.0.0.9", "ports": ports}
    slice_meta = {"namespace": namespace, "name": f"{name}-1", "labels": {"kubernetes.io/service-name": name}}
    conditions = {
        "ready": {"ready": True, "serving": True, "terminating": False},
        "leaving": {"ready": False, "serving": True, "terminating": True},
        "dead": {"ready": False, "serving": False, "terminating": False},
    }[state]
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "addressType": "IPv4",
            "metadata": slice_meta,
            "endpoints": [{"addresses": ["127.0.0.1"], "conditions": conditions}],
            "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
        },
    ]


def annotations(rng, provider):
    pick = {}

    def maybe(chance, key, values):
        if rng.random() < chance:
            pick[key] = rng.choice(values)

    if provider == "kubernetesingress":
        maybe(0.15, TRAEFIK + "router.priority", ["10", "25", "30", "42", "-1", "x", "1000"])
        maybe(0.1, TRAEFIK + "router.entrypoints", ["web", "websecure", "web,websecure", "bogus"])
        maybe(0.08, TRAEFIK + "router.tls", ["true", "false", ""])
        maybe(0.2, TRAEFIK + "router.pathmatcher", ["Path", "PathPrefix", "PathRegexp", "Exact"])
        maybe(0.05, TRAEFIK + "router.rulesyntax", ["v2", "v3"])
        maybe(0.05, TRAEFIK + "router.middlewares", ["missing", "n-x@kubernetescrd"])
        maybe(0.03, TRAEFIK + "router.unknown", ["x"])
        return pick
    maybe(0.25, NGINX + "use-regex", ["true", "false"])
    maybe(0.15, NGINX + "rewrite-target", ["/$1", "/$2", "/new", "/", "/$1/x?q=1", "https://e.test/$1"])
    maybe(0.1, NGINX + "app-root", ["/app", "app", "/app?x=1"])
    maybe(0.06, NGINX + "permanent-redirect", ["/moved", "https://e.test/x", "http://e.test$request_uri"])
    maybe(0.06, NGINX + "temporal-redirect", ["/soon", "https://e.test/y"])
    maybe(0.05, NGINX + "temporal-redirect-code", ["303", "200", "x"])
    maybe(0.06, NGINX + "force-ssl-redirect", ["true", "false"])
    maybe(0.1, NGINX + "ssl-redirect", ["true", "false"])
    maybe(0.08, NGINX + "from-to-www-redirect", ["true"])
    maybe(0.08, NGINX + "server-alias", ["alias.test", "b.test,alias.test", "*.alias.test", "Alias.test, c.test"])
    maybe(0.08, NGINX + "default-backend", ["one", "two", "missing"])
    maybe(0.06, NGINX + "custom-http-errors", ["503", "404,503", "x"])
    maybe(0.05, NGINX + "auth-type", ["basic", "jwt"])
    maybe(0.05, NGINX + "configuration-snippet", ["return 403;", "more_set_headers \"A: b\";"])
    maybe(0.05, NGINX + "whitelist-source-range", ["127.0.0.0/8", "not-an-ip"])
    if rng.random() < 0.15:
        pick[NGINX + "canary"] = "true"
        maybe(0.4, NGINX + "canary-weight", ["0", "100", "50"])
        maybe(0.4, NGINX + "canary-by-header", ["X-Canary"])
        maybe(0.2, NGINX + "canary-by-header-value", ["blue"])
        maybe(0.3, NGINX + "canary-by-cookie", ["canary"])
    return pick


def ingress(rng, number, provider):
    rules = []
    for _ in range(rng.randint(0 if rng.random() < 0.1 else 1, 3)):
        paths = []
        for _ in range(rng.randint(1, 4)):
            kind = rng.choice(["Prefix", "Prefix", "Exact", "ImplementationSpecific"])
            path = rng.choice(PATTERNS if kind == "ImplementationSpecific" and rng.random() < 0.6 else PATHS)
            if kind == "ImplementationSpecific" and rng.random() < 0.05:
                path = ""
            name = rng.choice(SERVICES + ["missing"] if rng.random() < 0.15 else SERVICES)
            port = rng.choice([{"number": 80}, {"name": "http"}, {"number": 80}])
            if rng.random() < 0.04:
                port = {"number": 81}
            paths.append({"path": path, "pathType": kind, "backend": {"service": {"name": name, "port": port}}})
        rule = {"http": {"paths": paths}}
        host = rng.choice(HOSTS)
        if host:
            rule["host"] = host
        rules.append(rule)
    spec = {"ingressClassName": "own"}
    if rules:
        spec["rules"] = rules
    if not rules or rng.random() < 0.15:
        spec["defaultBackend"] = {"service": {"name": rng.choice(SERVICES), "port": {"number": 80}}}
    if rng.random() < 0.2:
        spec["tls"] = [{"hosts": ["a.test"], "secretName": "none"}]
    meta = {
        "namespace": rng.choice(NAMESPACES),
        "name": f"i{number}",
        "uid": f"i{number}",
        "creationTimestamp": f"2026-01-01T00:00:{rng.randint(0, 30):02d}Z",
        "annotations": annotations(rng, provider),
    }
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta, "spec": spec}


def arguments(rng, provider):
    chosen = []

    def maybe(chance, text):
        if rng.random() < chance:
            chosen.append(text)

    if provider == "kubernetesingress":
        maybe(0.3, "--providers.kubernetesingress.strictprefixmatching=true")
        maybe(0.4, "--providers.kubernetesingress.allowemptyservices=true")
        maybe(0.1, "--core.defaultRuleSyntax=v2")
        maybe(0.1, "--entryPoints.web.http.redirections.entryPoint.to=websecure")
    else:
        maybe(0.3, "--providers.kubernetesingressnginx.defaultbackendservice=n/one")
        maybe(0.4, "--providers.kubernetesingressnginx.strictvalidatepathtype=false")
        maybe(0.4, "--providers.kubernetesingressnginx.allowsnippetannotations=true")
    maybe(0.2, "--entryPoints.web.http.sanitizePath=false")
    maybe(0.15, "--entryPoints.web.http.encodedCharacters.allowEncodedSlash=false")
    maybe(0.1, "--entryPoints.web.asDefault=true")
    return chosen


def deployment(args):
    container = {"name": "traefik", "image": "traefik:v3.7.15", "args": args}
    labels = {"app": "traefik"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": "edge", "name": "traefik"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


def requests(rng, objects, count):
    rules = [
        (rule.get("host", ""), path["path"])
        for item in objects
        if item["kind"] == "Ingress"
        for rule in item["spec"].get("rules", [])
        for path in rule["http"]["paths"]
    ]
    out = []
    for _ in range(count):
        host, path = rng.choice(rules) if rules and rng.random() < 0.9 else ("nobody.test", "/")
        host = host.replace("*", rng.choice(["q", "x", "a.b"])) or rng.choice(["a.test", "nobody.test", "alias.test"])
        if rng.random() < 0.1:
            host = rng.choice(["www." + host, host.upper(), host + ".", "alias.test", "b.test"])
        path = path or "/"
        for pattern, text in [("(/|$)(.*)", "/r/s"), ("[0-9]+", "12"), ("(.*)", "t/u"), ("(b|c)", "c"), ("[a-z]+", "z"),
                              ("/?", "/"), ("{2}", "x"), ("|", "/")]:
            path = path.replace(pattern, text)
        path = (path if rng.random() < 0.85 else rng.choice(PATHS)) + rng.choice(ASKED)
        if rng.random() < 0.05:
            path = path.upper()
        headers = {}
        if rng.random() < 0.2:
            name, value = rng.choice(
                [("X-Canary", "always"), ("X-Canary", "never"), ("X-Canary", "blue"), ("Cookie", "canary=always"),
                 ("Cookie", "canary=never"), ("X-Forwarded-Proto", "https")]
            )
            headers[name] = value
        scheme = rng.choice(["http", "http", "https"])
        method = rng.choice(["GET", "GET", "HEAD", "POST"])
        out.append((method, f"{scheme}://{host}{path}", headers))
    return out


def ask(method, url, headers, ports):
    scheme, rest = url.split("://", 1)
    host, slash, target = rest.partition("/")
    connection = socket.create_connection(("127.0.0.1", ports[scheme]), timeout=10)
    if scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = context.wrap_socket(connection, server_hostname=host.rstrip(".").lower())
    lines = [f"{method} {slash}{target} HTTP/1.1", f"Host: {host}", "Connection: close", "Content-Length: 0"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                break
            data += more
    head = data.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    found = {}
    for line in head[1:]:
        name, _, value = line.partition(": ")
        found.setdefault(name.lower(), value)
    return int(head[0].split(" ")[1]), found


def expectation(status, headers, names):
    if "x-port" in headers:
        path = headers["x-target"].split("?")[0]
        return {"outcome": "routed", "backend": names[int(headers["x-port"])], "upstream_path": path}
    if 300 <= status < 400:
        return {"outcome": "redirect", "status": status, "location": headers.get("location", "")}
    outcome = "no_route" if status == 404 else "unavailable" if status >= 500 else "refused"
    return {"outcome": outcome, "status": status}


def record(options, number, rng, backends):
    provider, names = options.provider, {}
    own = {"kubernetesingress": "traefik.io/ingress-controller", "kubernetesingressnginx": "k8s.io/ingress-nginx"}
    objects = [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": "own"},
            "spec": {"controller": own[provider]},
        }
    ]
    objects += [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in NAMESPACES + ["edge"]]
    ports = iter(backends)
    for namespace in NAMESPACES:
        for name in SERVICES:
            port = next(ports)
            names[port] = f"{namespace}/{name}:80"
            state = rng.choice(["ready"] * 6 + ["dead", "leaving"])
            objects += service(namespace, name, port, state)
    objects += [ingress(rng, i, provider) for i in range(rng.randint(2, 7))]
    listen = {"http": free_port(), "https": free_port()}
    args = [
        "--entryPoints.web.address=:8000",
        "--entryPoints.websecure.address=:8443",
        "--entryPoints.websecure.http.tls=true",
        f"--providers.{provider}",
    ] + arguments(rng, provider)
    questions = requests(rng, objects, options.requests)
    api = serve(Api)
    Api.objects = objects
    real = [arg for arg in args if "address=" not in arg]
    real += [
        f"--entryPoints.web.address=127.0.0.1:{listen['http']}",
        f"--entryPoints.websecure.address=127.0.0.1:{listen['https']}",
        f"--providers.{provider}.endpoint=http://127.0.0.1:{api}",
        f"--providers.{provider}.token=x",
        "--providers.providersThrottleDuration=100ms",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        "--log.level=FATAL",
    ]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("KUBE")}
    process = subprocess.Popen([options.binary, *real], env=environment)
    try:
        time.sleep(2.5)
        lines = []
        for at, (method, url, headers) in enumerate(questions):
            status, found = ask(method, url, headers, listen)
            expect = expectation(status, found, names)
            if "location" in expect:
                expect["location"] = expect["location"].replace(f":{listen['https']}", ":8443")
            lines.append(
                {
                    "id": f"{number:03d}-{at:03d}",
                    "controller": SLUGS[provider],
                    "method": method,
                    "url": url,
                    "headers": headers,
                    "expect": expect,
                }
            )
    finally:
        process.kill()
        process.wait()
    folder = os.path.join(options.out, SLUGS[provider], f"{options.seed}-{number:03d}")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "objects.json"), "w", encoding="utf-8") as file:
        json.dump({"apiVersion": "v1", "kind": "List", "items": objects + [deployment(args)]}, file, indent=1)
    with open(os.path.join(folder, "vectors.jsonl"), "w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--provider", choices=SLUGS, required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sets", type=int, default=100)
    parser.add_argument("--requests", type=int, default=110)
    options = parser.parse_args()
    backends = [serve(Backend) for _ in range(len(NAMESPACES) * len(SERVICES))]
    for number in range(options.sets):
        record(options, number, random.Random(f"{options.provider}-{options.seed}-{number}"), backends)


if __name__ == "__main__":
    main()
