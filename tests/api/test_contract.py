"""The contract and the route table say the same."""

import unittest

import yaml

import contract
from harness import ApiTest, CONTRACT, run


class Routes(unittest.TestCase):
    def test_routes_and_operations_are_the_same(self):
        result = run("routes")
        self.assertEqual(result.returncode, 0, result.stderr)
        routes = {tuple(line.split()[:3]) for line in result.stdout.splitlines() if line.strip()}
        operations = CONTRACT.operations()
        self.assertEqual(routes - operations, set(), "served, but not in the contract")
        self.assertEqual(operations - routes, set(), "in the contract, but not served")


class Document(ApiTest):
    def test_the_served_document_is_the_written_one(self):
        with open(contract.SPEC, encoding="utf-8") as file:
            written = yaml.safe_load(file)
        self.assertEqual(self.client.get("/openapi.json").json, written)

    def test_every_response_with_a_body_has_a_schema(self):
        for item in CONTRACT.document["paths"].values():
            for method, operation in item.items():
                if method == "parameters":
                    continue
                for status, response in operation["responses"].items():
                    response = CONTRACT.deref(response)
                    if status in ("204", "304"):
                        self.assertNotIn("content", response)
                        continue
                    for media in response["content"].values():
                        self.assertIn("schema", media, f"{operation['operationId']} {status}")


if __name__ == "__main__":
    unittest.main()
