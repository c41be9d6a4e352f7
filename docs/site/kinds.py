"""The page of all kinds of jobs, from the API's OpenAPI document and the payloads whose decoding is pinned by a test."""

import json


def words(schema):
    """The type of a field, in words."""
    if not isinstance(schema, dict) or not schema:
        return "anything"
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[1]
    options = [option for option in schema.get("oneOf", schema.get("anyOf", [])) if option.get("type") != "null"]
    if options:
        return " or ".join(words(option) for option in options)
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"] if value is not None)
    types = schema.get("type", "anything")
    types = [kind for kind in ([types] if isinstance(types, str) else types) if kind != "null"]
    return " or ".join(of_type(kind, schema) for kind in types)


def of_type(kind, schema):
    if kind == "array":
        return f"list of {words(schema.get('items', {}))}"
    if kind == "object" and schema.get("properties"):
        needed = schema.get("required", [])
        fields = (name if name in needed else f"{name}?" for name in schema["properties"])
        return "object of " + ", ".join(f"`{field}`" for field in fields)
    return {"string": "text", "integer": "whole number"}.get(kind, kind)


def page(root):
    schemas = json.loads((root / "docs/openapi.json").read_text())["components"]["schemas"]
    golden = root / "crates/client/tests/golden"
    lines = [
        "# Kinds of jobs",
        "",
        "The args of each kind that ships with Longshore, in the version that it has now. A kind of your own is described the same way by",
        "`longshore kinds KIND`, which also says its queue, its time limit, its retries and its expiry. [The HTTP API](http-api.md) has the same as",
        "[OpenAPI](openapi.json), and [the client](your-first-job.md) has a struct for each.",
        "",
    ]
    for name, job in sorted(schemas.items()):
        if "const" not in job.get("properties", {}).get("kind", {}):
            continue
        kind = job["properties"]["kind"]["const"]
        args = schemas.get(f"{name[:-3]}Args", {})
        lines += [f"## {kind}", ""]
        fields = args.get("properties", {})
        if fields:
            needed = args.get("required", [])
            lines += ["| field | type | |", "|---|---|---|"]
            lines += [f"| `{field}` | {words(schema)} | {'needed' if field in needed else ''} |" for field, schema in fields.items()]
        else:
            lines += ["It has no args." if not args.get("additionalProperties") else "Its args depend on the configuration."]
        for example in sorted(golden.glob(f"{kind}.v*.json")):
            payload = json.loads(example.read_text())
            lines += ["", "```json", json.dumps(payload["args"], ensure_ascii=False), "```"]
        lines.append("")
    return "\n".join(lines)
