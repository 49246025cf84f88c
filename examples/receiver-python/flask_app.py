"""The same receiver with Flask: `SIGNALBOX_SECRET=whsec_… flask --app flask_app run --port 3000`."""

import json
import os
import threading

from flask import Flask, request

from server import is_new, work
from signalbox_webhooks import Refused, verify

MAX_BODY_BYTES = 1024 * 1024

app = Flask(__name__)


@app.post("/")
def receive():
    # MAX_CONTENT_LENGTH counts for forms only before Flask 2.3.
    if (request.content_length or 0) > MAX_BODY_BYTES:
        return "too large", 413
    # The bytes as they came: the signature covers them, and not the JSON they stand for.
    body = request.get_data()
    secrets = [secret.strip() for secret in os.environ.get("SIGNALBOX_SECRET", "").split(",")]
    try:
        id = verify(request.headers, body, secrets)
        event = json.loads(body)
    except ValueError:
        return "malformed_body", 400
    except Refused as refused:
        return refused.code, refused.status
    if not is_new(id):
        return "seen before", 200
    threading.Thread(target=work, args=(id, event), daemon=True).start()
    return "accepted", 202
