"""A receiver with nothing but Python's standard library: `SIGNALBOX_SECRET=whsec_… python3 server.py`."""

import json
import os
import sys
import threading
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from signalbox_webhooks import Refused, verify

# Several, separated by commas, while one is replaced.
SECRETS = [secret.strip() for secret in os.environ.get("SIGNALBOX_SECRET", "").split(",")]
MAX_BODY_BYTES = 1024 * 1024
# Deliveries of one event may be days apart. A real receiver remembers ids in its database.
MAX_REMEMBERED = 100_000
seen = OrderedDict()
lock = threading.Lock()


def is_new(id):
    with lock:
        if id in seen:
            return False
        seen[id] = True
        if len(seen) > MAX_REMEMBERED:
            seen.popitem(last=False)
        return True


def work(id, event):
    """What is done for an event; replace it by your own."""
    print(id, event["event"], json.dumps(event["data"])[:200], flush=True)


class Receiver(BaseHTTPRequestHandler):
    timeout = 15

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        if length > MAX_BODY_BYTES:
            return self.answer(413, "too large")
        body = self.rfile.read(length)
        try:
            id = verify(self.headers, body, SECRETS)
            event = json.loads(body)
        except ValueError:
            return self.answer(400, "malformed_body")
        except Refused as refused:
            print("refused:", refused.code, file=sys.stderr, flush=True)
            return self.answer(refused.status, refused.code)
        if not is_new(id):
            return self.answer(200, "seen before")
        # Answered first: the sender waits for ten seconds, and sends again after that.
        threading.Thread(target=work, args=(id, event), daemon=True).start()
        self.answer(202, "accepted")

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("content-type", "text/plain")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    if not any(SECRETS):
        sys.exit("Set SIGNALBOX_SECRET.")
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT") or 3000)), Receiver)
    print(f"Receiver listening on http://127.0.0.1:{server.server_address[1]}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
