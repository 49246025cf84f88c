"""Verifies deliveries of Signalbox: Standard Webhooks 1.0.0, with nothing but Python's standard library."""

import base64
import hashlib
import hmac
import re
import time

TOLERANCE_SECONDS = 300


class Refused(Exception):
    """Why a delivery is not accepted; `status` is what to answer."""

    def __init__(self, code, status):
        super().__init__(code)
        self.code = code
        self.status = status


def verify(headers, body, secrets, now=None):
    """
    Returns `webhook-id`, the same on every attempt: remember it to act once.

    `headers` is any mapping with `get`, `body` the raw bytes as they came, `secrets` every secret that is live.
    """
    secrets = [secret for secret in secrets if secret]
    if not secrets:
        raise Refused("no_secret", 503)
    id, timestamp, signatures = (headers.get(f"webhook-{name}") for name in ("id", "timestamp", "signature"))
    if not id or not timestamp or not signatures:
        raise Refused("missing_header", 400)
    if not re.fullmatch(r"[\x21-\x7e]{1,200}", id) or not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise Refused("malformed_header", 400)
    age = int(time.time() if now is None else now) - int(timestamp)
    if age > TOLERANCE_SECONDS:
        raise Refused("timestamp_too_old", 401)
    if age < -TOLERANCE_SECONDS:
        raise Refused("timestamp_too_new", 401)
    message = f"{id}.{timestamp}.".encode() + body
    expected = [b"v1," + base64.b64encode(hmac.digest(_key(secret), message, hashlib.sha256)) for secret in secrets]
    sent = [signature.encode("latin-1", "replace") for signature in signatures.split(" ")]
    # Every pair, without stopping at the first that fits.
    if not any([hmac.compare_digest(one, other) for one in sent for other in expected]):
        raise Refused("signature_mismatch", 401)
    return id


def _key(secret):
    """The bytes after `whsec_`, whose padding is optional; any other text as it is."""
    if secret.startswith(("whsk_", "whpk_")):
        # An ed25519 key: with a public one as the secret, anybody could sign.
        raise Refused("invalid_secret", 503)
    if not secret.startswith("whsec_"):
        return secret.encode()
    digits = secret[len("whsec_"):]
    try:
        key = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except ValueError:
        key = b""
    if not key:
        raise Refused("invalid_secret", 503)
    return key
