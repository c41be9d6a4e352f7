"""Takes a payment: python pay.py ORDER ATTEMPT. What it prints is for the payer's browser."""

import sys

from longshore import longshore

order, attempt = sys.argv[1:]
args = {"order_id": order, "user_id": "u1", "amount": 1000, "currency": "nok"}

# Enqueue and wait in one request: a later one is not told the secret.
payment = {"kind": "create_payment_intent", "args": args, "key": f"pay-{order}-{attempt}"}
job = longshore("POST", "/v1/jobs?wait=20s", payment)["job"]
print(job["state"], job["private_result"]["client_secret"])
