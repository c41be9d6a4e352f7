"""How a bulk is written: a text stands for its lines."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(_, value):
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")
