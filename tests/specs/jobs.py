"""Jobs that make each request that our clients know, in each of its forms."""

import json
import subprocess
from datetime import datetime, timedelta, timezone

from fleet import BINARY, Fleet, until

SETTINGS = {
    "LONGSHORE_RETRY__SCHEDULE_SECONDS": "[1, 1]",
    # What was lost is looked for: those are requests, too.
    "LONGSHORE_QUEUES__PAYMENT_RECONCILE__ON_UNKNOWN": "verify",
    "LONGSHORE_EMAIL__SENDERS__BILLING__EMAIL": "billing@example.com",
    "LONGSHORE_PROVIDERS__TWILIO__SENDERS__SHOP__FROM": "+4780000001",
    "LONGSHORE_PROVIDERS__TWILIO__SENDERS__SERVICE__MESSAGING_SERVICE_SID": "MG0123456789abcdef0123456789abcdef",
    # One failure, and mails go to the fallback.
    "LONGSHORE_PROVIDERS__SENDGRID__BREAKER__FAILURES": "1",
    "LONGSHORE_PROVIDERS__SENDGRID__BREAKER__OPEN_SECONDS": "60",
}

BACK = "https://shop.example.com/paid"
METADATA = {"campaign": "autumn", "shelf": "7"}


class Till:
    """Enqueues, and waits for the end."""

    def __init__(self, fleet: Fleet):
        self.fleet = fleet

    def job(self, kind: str, **args) -> dict:
        said = subprocess.run([BINARY, "enqueue", kind, json.dumps(args)], capture_output=True, text=True, env=self.fleet.env)
        if said.returncode:
            raise SystemExit(f"{kind} is not accepted: {said.stderr}")
        job_id = said.stdout.strip()

        def ended():
            job = self.fleet.job(job_id)
            return job if job["state"] in ("completed", "dead", "cancelled") else None

        return until(f"{kind} {job_id} has ended", ended, 90)

    def done(self, kind: str, **args) -> dict:
        """Its result."""
        job = self.job(kind, **args)
        if job["state"] != "completed":
            raise SystemExit(f"{kind} is {job['state']}: {json.dumps(job, indent=1)}")
        return job["result"] or {}

    def dead(self, kind: str, **args) -> dict:
        job = self.job(kind, **args)
        if job["state"] != "dead":
            raise SystemExit(f"{kind} is {job['state']}, and should be dead: {json.dumps(job, indent=1)}")
        return job


def all(fleet: Fleet):
    till = Till(fleet)
    payments(till)
    lost_payments(till)
    reconciled(till)
    texts(till)
    places(till)
    said = fleet.longshore("smoke")
    print(said.stdout.rstrip())
    mails(till)


def payments(till: Till):
    till.done("create_customer", user_id="user-1")
    till.done("create_customer", user_id="user-2", email="ada@example.com", name="Ada Lovelace", metadata=METADATA)
    order = {"user_id": "user-1", "amount": 1000, "currency": "nok"}
    intent = till.done("create_payment_intent", order_id="order-1", **order)["payment_intent"]
    till.done("confirm_payment_intent", payment_intent=intent, payment_method="pm_card_visa", return_url=BACK)
    refund = {"payment_intent": intent, "amount": 300, "reason": "requested_by_customer", "metadata": METADATA}
    till.done("create_refund", **refund)
    till.done("create_refund", payment_intent=intent)
    options = {"setup_future_usage": "off_session", "receipt_email": "ada@example.com", "metadata": METADATA}
    now = {"payment_method": "pm_card_visa", "confirm": True}
    for number, more in enumerate([
        {**options, "return_url": BACK},
        {"off_session": True},
        {"return_url": BACK, "capture_method": "manual"},
        {"return_url": BACK, "capture_method": "automatic_async"},
    ]):
        till.done("create_payment_intent", order_id=f"order-now-{number}", **order, **now, **more)
    doubted = {**now, "payment_method": "pm_card_authenticationRequired"}
    till.done("create_payment_intent", order_id="order-doubted", **order, **doubted, return_url=BACK)
    declined = {**now, "payment_method": "pm_card_chargeDeclined"}
    till.dead("create_payment_intent", order_id="order-declined", **order, **declined, off_session=True)
    plain = till.done("create_subscription", user_id="user-1", price="price_1")["subscription"]
    with_all = till.done("create_subscription", user_id="user-2", price="price_1", quantity=3, default_payment_method="pm_card_visa",
                         payment_behavior="default_incomplete", trial_days=14, metadata=METADATA)["subscription"]
    until_then = int((datetime.now(timezone.utc) + timedelta(days=30)).timestamp())
    ends = till.done("create_subscription", user_id="user-1", price="price_1", trial_end=until_then)["subscription"]
    till.done("cancel_subscription", subscription=plain)
    till.done("cancel_subscription", subscription=with_all, prorate=True)
    till.done("cancel_subscription", subscription=ends, at_period_end=True)


def lost_payments(till: Till):
    """No answer to what makes something: it is looked for in the lists."""
    till.job("create_customer", user_id="user-lost")
    order = {"user_id": "user-1", "amount": 1000, "currency": "nok"}
    till.job("create_payment_intent", order_id="order-lost", **order)
    till.job("create_subscription", user_id="user-1", price="price_1", metadata={"note": "lost"})
    intent = till.done("create_payment_intent", order_id="order-2", payment_method="pm_card_visa", confirm=True, return_url=BACK, **order)
    till.job("create_refund", payment_intent=intent["payment_intent"], metadata={"note": "lost"})
    intent = till.done("create_payment_intent", order_id="order-3", **order)
    till.job("confirm_payment_intent", payment_intent=intent["payment_intent"], payment_method="pm_card_visa", return_url=f"{BACK}/lost")


def reconciled(till: Till):
    now = datetime.now(timezone.utc)
    day = timedelta(days=1)
    till.done("reconcile_payments", **{"from": (now - day).isoformat(), "to": now.isoformat()}, repair=True)
    till.done("backfill_stripe_events", **{"from": (now - day).isoformat(), "to": now.isoformat()})
    events = till.fleet.events()
    for kind, event in events.items():
        print(f"    {kind}")
        till.job("apply_stripe_event", event_id=event)


def texts(till: Till):
    to = {"to": "+4790000000"}
    till.done("send_sms", **to, body="Your table is ready.")
    till.done("send_sms", **to, body="Your table is ready.", **{"from": "shop"})
    till.done("send_sms", **to, body="Your table is ready.", **{"from": "service"})
    till.done("send_sms", **to, content_sid="HX0123456789abcdef0123456789abcdef", content_variables={"1": "Ada"})
    till.done("send_sms", **to, body="Look.", media_urls=["https://shop.example.com/1.png", "https://shop.example.com/2.png"])
    till.job("send_sms", **to, body="This one is lost.")


def places(till: Till):
    till.done("geocode_address", address="Storgata 1, Tromsø", region="no", language="no")
    till.done("geocode_address", address="Storgata 2", components={"country": "NO", "postal_code": "9008"})
    till.done("geocode_address", address="Storgata 3", bounds={"southwest": [69.0, 18.0], "northeast": [70.0, 20.0]})
    till.done("geocode_address", latlng=[69.65, 18.96])


def mails(till: Till):
    to = {"email": "ada@example.com", "name": "Ada Lovelace"}
    plain = {"template": "welcome", "to": to, "data": {"name": "Ada"}}
    every = {
        **plain,
        "cc": [{"email": "cc@example.com"}],
        "bcc": [{"email": "bcc@example.com", "name": "Bcc"}],
        "reply_to": {"email": "help@example.com"},
        "from": "billing",
        "subject": "Welcome",
        "categories": ["welcome", "autumn"],
        "headers": {"X-Campaign": "autumn"},
    }
    till.done("send_email", **plain)
    till.done("send_email", **every, unsubscribe_group={"group_id": 7, "groups_to_display": [7, 8]})
    # While SendGrid is away, by Postmark.
    stand_in = till.fleet.recorders["sendgrid"].origin.removeprefix("http://")
    said = till.fleet.longshore("sandbox", "fault", "sendgrid", "503", "--for", "2m", "--addr", stand_in)
    if said.returncode:
        raise SystemExit(said.stderr)
    till.done("send_email", **plain)
    # What Postmark has no word for waits for SendGrid.
    known = {name: value for name, value in every.items() if name not in ("subject", "categories")}
    till.done("send_email", **known, categories=["welcome"])
