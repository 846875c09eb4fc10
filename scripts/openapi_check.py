"""Is the OpenAPI document on standard input valid, and does each of its examples fit its schema? Prints one line."""

import json
import sys

try:
    from openapi_schema_validator import OAS31Validator
    from openapi_spec_validator import OpenAPIV31SpecValidator
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012
except ImportError as missing:
    print(f"no validator was asked: {missing}")
    sys.exit(0)

document = json.load(sys.stdin)
OpenAPIV31SpecValidator(document).validate()

resource = Resource.from_contents(document, default_specification=DRAFT202012)
registry = Registry().with_resource("urn:document", resource)
count = 0


def check(schema, example, place):
    """Validate an example as if its schema stood where it stands: references are to this document."""
    global count
    count += 1
    rooted = json.loads(json.dumps(schema).replace('"#/', '"urn:document#/'))
    validator = OAS31Validator(rooted, registry=registry, format_checker=OAS31Validator.FORMAT_CHECKER)
    for error in validator.iter_errors(example):
        sys.exit(f"{place}: {error.message}\n{json.dumps(example)}")


def walk(value, place):
    if isinstance(value, dict):
        if "schema" in value and "example" in value:
            check(value["schema"], value["example"], place)
        if "schema" in value and isinstance(value.get("examples"), dict):
            for name, example in value["examples"].items():
                check(value["schema"], example["value"], f"{place}/examples/{name}")
        for key, inner in value.items():
            if key not in ("example", "examples"):
                walk(inner, f"{place}/{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            walk(inner, f"{place}/{index}")


walk(document["paths"], "#/paths")
for kind in ("responses", "parameters", "requestBodies"):
    walk(document["components"].get(kind, {}), f"#/components/{kind}")
for name, schema in document["components"]["schemas"].items():
    if "example" in schema:
        check(schema, schema["example"], f"#/components/schemas/{name}")
print(f"valid, and {count} examples fit")
