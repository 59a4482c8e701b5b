"""api-spec/openapi.yaml as a judge of live traffic."""

import functools
import json
import os
import re
import threading

import jsonschema
import yaml

SPEC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "api-spec", "openapi.yaml")


class Violation(AssertionError):
    """An answer that the contract does not allow."""


class Contract:
    def __init__(self, path=SPEC):
        with open(path, encoding="utf-8") as file:
            self.document = yaml.safe_load(file)
        # The resolver keeps a stack of its own: one thread at a time.
        self.lock = threading.RLock()
        self.resolver = jsonschema.RefResolver("", self.document)

    def deref(self, node):
        with self.lock:
            while isinstance(node, dict) and "$ref" in node:
                node = self.resolver.resolve(node["$ref"])[1]
        return node

    def operations(self):
        """(method, path template, operationId) of every operation."""
        return {
            (method.upper(), path, operation["operationId"])
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
            if method in ("get", "put", "post", "delete", "patch", "head", "options")
        }

    @functools.lru_cache(maxsize=None)
    def _patterns(self):
        return [
            (re.compile("^" + re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path)) + "$"), path)
            for path in self.document["paths"]
        ]

    def find(self, method, target):
        """The operation for a request, or None. HEAD goes by GET."""
        path = target.split("?")[0]
        method = "get" if method == "HEAD" else method.lower()
        # A template without parameters is preferred: it is the shorter list of braces.
        for pattern, template in sorted(self._patterns(), key=lambda row: row[1].count("{")):
            if pattern.match(path):
                return self.document["paths"][template].get(method)
        return None

    def validate(self, value, schema, what):
        with self.lock:
            errors = list(jsonschema.Draft202012Validator(schema, resolver=self.resolver).iter_errors(value))
        if errors:
            raise Violation(f"{what}: {errors[0].message} at {'/'.join(map(str, errors[0].absolute_path))}")

    def check(self, method, target, status, headers, body):
        what = f"{method} {target} -> {status}"
        operation = self.find(method, target)
        if operation is None:
            # What no operation describes may only be refused.
            if status not in (400, 401, 404, 405, 414, 501):
                raise Violation(f"{what}: not in the contract")
            self._check_problem(what, status, headers, body, method)
            return
        response = self.deref(operation["responses"].get(str(status)))
        if response is None:
            raise Violation(f"{what}: the contract lists no such status")
        self._check_headers(what, response, headers)
        self._check_body(what, response, headers, body, method)
        if status >= 400:
            self._check_problem(what, status, headers, body, method)

    def _check_headers(self, what, response, headers):
        for name, header in response.get("headers", {}).items():
            header = self.deref(header)
            value = headers.get(name)
            if value is None:
                if header.get("required"):
                    raise Violation(f"{what}: no {name}")
                continue
            schema = self.deref(header["schema"])
            if schema.get("type") == "integer" and re.fullmatch("[0-9]+", value):
                value = int(value)
            self.validate(value, header["schema"], f"{what}: {name}")

    def _check_body(self, what, response, headers, body, method):
        content = response.get("content")
        if not content:
            if body:
                raise Violation(f"{what}: a body where there is none")
            return
        media_type = (headers.get("Content-Type") or "").split(";")[0].strip().lower()
        if media_type not in content and "*/*" not in content:
            raise Violation(f"{what}: Content-Type {media_type!r} is not in the contract")
        if not media_type:
            raise Violation(f"{what}: no Content-Type")
        schema = content.get(media_type, content.get("*/*"))["schema"]
        if method != "HEAD" and media_type in content and media_type.endswith("json"):
            self.validate(json.loads(body), schema, what)

    def _check_problem(self, what, status, headers, body, method):
        if headers.get("Content-Type") != "application/problem+json":
            raise Violation(f"{what}: not a problem document but {headers.get('Content-Type')!r}")
        if method == "HEAD":
            return
        problem = json.loads(body)
        self.validate(problem, {"$ref": "#/components/schemas/Problem"}, what)
        if problem["status"] != status:
            raise Violation(f"{what}: the document says {problem['status']}")
        if problem["request_id"] != headers.get("Coffer-Request-Id"):
            raise Violation(f"{what}: request_id differs from Coffer-Request-Id")
