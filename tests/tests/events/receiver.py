"""Takes events with the standard's own library for Python, and says of each what it made of it.

Usage: receiver.py SECRET. Prints its port, then a line of JSON for each request.
"""

import http.server
import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SECRET = sys.argv[1]
OTHER = "whsec_T3RoZXJPdGhlck90aGVyT3RoZXJPdGhlck90aGVyMTI="


def is_right(secret, body, headers):
    try:
        Webhook(secret).verify(body, headers)
        return True
    except WebhookVerificationError:
        return False


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        old = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 600)}
        right = is_right(SECRET, body, headers)
        said = {
            "path": self.path,
            "id": headers["webhook-id"],
            "right": right,
            "old": is_right(SECRET, body, old),
            "other_secret": is_right(OTHER, body, headers),
            "changed": is_right(SECRET, body.replace("job", "jab"), headers),
            "event": json.loads(body),
        }
        print(json.dumps(said), flush=True)
        self.send_response(204 if right else 401)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
