import json
from urllib.error import HTTPError

from longshore import longshore

mail = {"template": "welcome", "to": {"email": "nobody"}, "data": {}}
try:
    longshore("POST", "/v1/jobs", {"kind": "send_email", "args": mail})
except HTTPError as refused:
    error = json.load(refused)["error"]
    print(refused.status, error["code"], error["message"])
