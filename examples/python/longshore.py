import json
import os
from urllib.request import Request, urlopen


def longshore(method, path, body=None):
    request = Request(os.environ["JOBS_URL"] + path, method=method, data=body and json.dumps(body).encode())
    request.add_header("Authorization", f"Bearer {os.environ['JOBS_TOKEN']}")
    request.add_header("Content-Type", "application/json")
    with urlopen(request, timeout=70) as answer:
        return json.load(answer)
