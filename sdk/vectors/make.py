"""Writes signatures.json with Python's own hmac, and ed25519 as RFC 8032 prints it, so that the SDK is not checked against itself.

Run `python3 sdk/vectors/make.py`, then format the file with Biome; with `-` it is printed instead. Every entry has: name,
form (`standard`, `agenta`, `github`, or `webhook` for the receiver that accepts any form Signalbox sends), secrets,
headers, body (text) or body_base64, now (Unix seconds; the tolerance is 300) and expected (`ok` or the refusal's code).
Some of form `standard` and `webhook` have public_keys or jwks, too, or in place of secrets: each kind of key that is
there asks for a signature of its own.
"""

import base64
import hashlib
import hmac
import json
import sys
from pathlib import Path

import ed25519

WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"another secret of 32 bytes, old.").decode()
UNPADDED = "whsec_" + base64.b64encode(b"a key of 26 bytes, no pad!").decode().rstrip("=")
# The key that Svix publishes with its implementation: the private key, and after it the public one.
WHSK = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
SEED = base64.b64decode(WHSK[5:])[:32]
OTHER_SEED = b"another ed25519 seed of 32 bytes"
TEXT = "my_webhook_secret_key"
OLD_TEXT = "the secret before this one"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
NOW = 1614265330
BODY = '{"test": 2432232314}'
EVENT = json.dumps(
    {"event": "job.completed", "timestamp": "2021-02-25T15:02:10Z", "delivery_id": "dlv_1", "data": {"name": "Zoë 🚂"}},
    ensure_ascii=False,
)

RELAYED = json.dumps({
    "event": "push",
    "timestamp": "2021-02-25T15:02:10Z",
    "delivery_id": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "project_id": None,
    "data": {
        "source": "github",
        "subject": None,
        "actor": "octocat",
        "facts": {"repository": "acme/shop", "branch": "main"},
        "payload": {"ref": "refs/heads/main"},
    },
})


def raw(body):
    return body if isinstance(body, bytes) else body.encode()


def digest(key, message):
    return hmac.new(key, message, hashlib.sha256)


def key_of(secret):
    if not secret.startswith("whsec_"):
        return secret.encode()
    digits = secret[len("whsec_"):]
    return base64.b64decode(digits + "=" * (-len(digits) % 4))


def standard(secret=WHSEC, body=BODY, timestamp=NOW, id=ID):
    message = f"{id}.{timestamp}.".encode() + raw(body)
    return "v1," + base64.b64encode(digest(key_of(secret), message).digest()).decode()


def hexed(secret=TEXT, body=BODY):
    return digest(secret.encode(), raw(body)).hexdigest()


def timed(secret=TEXT, body=BODY, t=NOW):
    return hexed(secret, f"{t}.".encode() + raw(body))


def flip(text):
    """The same text with its last hex or base64 digit changed (before any padding)."""
    core = text.rstrip("=")
    return core[:-1] + ("0" if core[-1] != "0" else "1") + text[len(core):]


def spare_bits(signature):
    """Another base64 text that lenient decoders read as the same 32 bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    changed = signature[:-2] + alphabet[alphabet.index(signature[-2]) + 1] + "="
    assert base64.b64decode(changed[3:]) == base64.b64decode(signature[3:])
    return changed


def asymmetric(seed=None, body=BODY, timestamp=NOW, id=ID):
    message = f"{id}.{timestamp}.".encode() + raw(body)
    return "v1a," + base64.b64encode(ed25519.sign(seed or SEED, message)).decode()


def public(seed):
    return "whpk_" + base64.b64encode(ed25519.public(seed)).decode()


def jwk(seed, **more):
    x = base64.urlsafe_b64encode(ed25519.public(seed)).decode().rstrip("=")
    # RFC 7638: the required members in the order of their names, without spaces.
    thumbprint = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
    kid = base64.urlsafe_b64encode(thumbprint).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA", **more}


vectors = []


def add(name, form, expected, headers, secrets, body=BODY, now=NOW, **keys):
    entry = {"name": name, "form": form, **({} if secrets is None else {"secrets": secrets}), **keys, "headers": headers}
    if isinstance(body, bytes):
        entry["body_base64"] = base64.b64encode(body).decode()
    else:
        entry["body"] = body
    vectors.append({**entry, "now": now, "expected": expected})


def std(name, expected, signature=None, *, secrets=(WHSEC,), body=BODY, timestamp=NOW, id=ID, now=NOW, form="standard", names="webhook", drop=(), extra=None, public_keys=None, jwks=None):
    if signature is None:
        signature = standard(body=body, timestamp=timestamp, id=id)
    headers = {f"{names}-id": id, f"{names}-timestamp": str(timestamp), f"{names}-signature": signature, **(extra or {})}
    keys = {name: value for name, value in {"public_keys": public_keys, "jwks": jwks}.items() if value is not None}
    secrets = None if secrets is None else list(secrets)
    add(name, form, expected, {k: v for k, v in headers.items() if k not in drop}, secrets, body, now, **keys)


def agenta(name, expected, value, *, secrets=(TEXT,), body=BODY, now=NOW, form="agenta"):
    add(name, form, expected, {"X-Agenta-Signature": value}, list(secrets), body, now)


def github(name, expected, value, *, secrets=(TEXT,), body=BODY):
    add(name, "github", expected, {"X-Hub-Signature-256": value}, list(secrets), body)


# Standard Webhooks 1.0.0
assert standard() == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "the vector every Standard Webhooks library has"
std("the vector every Standard Webhooks library has", "ok")
std("an empty body", "ok", body="")
std("a body that is not text", "ok", body=bytes(range(256)))
std("a body beyond ASCII", "ok", body=EVENT)
std("a body with a byte order mark", "ok", body=b"\xef\xbb\xbf{}")
std("a secret without padding", "ok", standard(UNPADDED), secrets=[UNPADDED])
std("a secret in plain text", "ok", standard(TEXT), secrets=[TEXT])
std("an id with full stops from another sender", "ok", id="a.b.c")
std("rotation: the sender still signs with the old secret", "ok", standard(OTHER), secrets=[WHSEC, OTHER])
std("rotation: the sender already signs with the new secret", "ok", standard(WHSEC), secrets=[OTHER, WHSEC])
std("rotation: the sender signs with both, the receiver knows one", "ok", f"{standard(OTHER)} {standard()}")
std("one valid of many", "ok", " ".join([flip(standard()), standard(OTHER), "v1,", standard(), "v1,AAAA"]))
std("unknown versions beside the known one", "ok", f"v0,AAAA v1a,{'B' * 86}== v2,{standard()[3:]} {standard()}")
std("blank secrets beside a real one", "ok", secrets=["", WHSEC, ""])
std("sent exactly five minutes ago", "ok", now=NOW + 300)
std("sent exactly five minutes ahead", "ok", now=NOW - 300)
std("sent five minutes and a second ago", "timestamp_too_old", now=NOW + 301)
std("sent five minutes and a second ahead", "timestamp_too_new", now=NOW - 301)
add("header names in another case", "standard", "ok",
    {"Webhook-Id": ID, "WEBHOOK-TIMESTAMP": str(NOW), "Webhook-Signature": standard()}, [WHSEC])
for name in ["webhook-id", "webhook-timestamp", "webhook-signature"]:
    std(f"{name} is missing", "missing_header", drop=[name])
std("webhook-id is empty", "missing_header", id="")
std("webhook-signature is empty", "missing_header", "")
for timestamp in ["1614265330abc", "abc", "Infinity", "NaN", "-1614265330", "1614265330.0", "1.6e9", "0x6037bb72", "+1614265330", "١٦١٤٢٦٥٣٣٠", "9" * 400]:
    label = timestamp if len(timestamp) < 40 else "400 nines"
    std(f"timestamp '{label}', signed by the right secret", "malformed_header", timestamp=timestamp)
std("an older timestamp put over a fresh signature", "signature_mismatch", standard(), timestamp=NOW - 10)
std("another id put over the signature", "signature_mismatch", standard(), id="msg_other")
std("another body under the signature", "signature_mismatch", standard(), body='{"test": 2432232315}')
std("the same JSON written differently", "signature_mismatch", standard(), body='{"test":2432232314}')
std("signed with a wrong secret", "signature_mismatch", standard(OTHER))
std("a changed last digit", "signature_mismatch", flip(standard()))
std("a partial signature", "signature_mismatch", standard()[:20])
std("v1, with nothing after it", "signature_mismatch", "v1,")
std("the digest without its version", "signature_mismatch", standard()[3:])
std("the right digest under an unknown version", "signature_mismatch", "v2" + standard()[2:])
std("the right digest under the ed25519 version", "signature_mismatch", "v1a" + standard()[2:])
std("the right digest after another separator", "signature_mismatch", "v1=" + standard()[3:])
std("the right digest without its padding", "signature_mismatch", standard().rstrip("="))
std("the right digest in hex", "signature_mismatch",
    "v1," + digest(key_of(WHSEC), f"{ID}.{NOW}.{BODY}".encode()).hexdigest())
std("a signature beyond ASCII", "signature_mismatch", "v1,é🚂" + "=" * 40)
std("signatures joined by commas", "signature_mismatch", f"{standard(OTHER)},{standard()}")
std("fifty wrong signatures", "signature_mismatch", " ".join(["v1,AAAA"] * 50))
std("the right digest with its spare bits set", "signature_mismatch", spare_bits(standard()))
std("an id of 200 characters", "ok", id="m" * 200)
std("an id of 201 characters", "malformed_header", id="m" * 201)
std("an id with a space", "malformed_header", id="msg 1")
std("an id beyond ASCII", "malformed_header", id="msg_é")
std("Svix's own header names", "ok", names="svix")
std("Svix's own header names, five minutes and a second ago", "timestamp_too_old", names="svix", now=NOW + 301)
std("Svix's own header names, another id put over the signature", "signature_mismatch", standard(), names="svix", id="msg_other")
std("Svix's own header names without the id", "missing_header", names="svix", drop=["svix-id"])
std("both sets of names: webhook- decides, here wrong", "signature_mismatch", flip(standard()), extra={"svix-id": ID, "svix-timestamp": str(NOW), "svix-signature": standard()})
std("a mixture of both sets of names", "missing_header", drop=["webhook-timestamp"], extra={"svix-timestamp": str(NOW)})
std("no secret", "no_secret", secrets=[])
std("only blank secrets", "no_secret", secrets=["", ""])
std("a secret that is only its prefix", "invalid_secret", secrets=["whsec_"])
std("a secret that is not base64", "invalid_secret", secrets=["whsec_not base64!"])
std("a secret of an impossible length", "invalid_secret", secrets=["whsec_MfKQ9"])
std("an ed25519 public key used as a shared secret", "invalid_secret", standard("whpk_AAAA"), secrets=["whpk_AAAA"])

# Standard Webhooks with ed25519
WHPK = public(SEED)
assert WHPK == "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", "the public key is the second half of Svix's private one"
assert asymmetric() == "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==", "Svix publishes it"


def key(name, expected, signature=None, *, public_keys=(WHPK,), secrets=None, **more):
    if signature is None:
        signature = asymmetric(body=more.get("body", BODY), timestamp=more.get("timestamp", NOW))
    public_keys = None if public_keys is None else list(public_keys)
    std(name, expected, signature, public_keys=public_keys, secrets=secrets, **more)


def flip64(signature):
    return signature[:4] + ("A" if signature[4] != "A" else "B") + signature[5:]


key("ed25519: the vector that Svix publishes", "ok")
key("ed25519: an empty body", "ok", body="")
key("ed25519: a body that is not text", "ok", body=bytes(range(256)))
key("ed25519: under Svix's names", "ok", names="svix")
key("ed25519: a public key without padding", "ok", public_keys=[WHPK.rstrip("=")])
key("ed25519: rotation, the sender signs with the old key", "ok", asymmetric(OTHER_SEED), public_keys=[WHPK, public(OTHER_SEED)])
key("ed25519: rotation, the sender signs with both, the receiver knows one", "ok", f"{asymmetric(OTHER_SEED)} {asymmetric()}")
key("ed25519: beside a digest that this receiver cannot check", "ok", f"{standard()} {asymmetric()}")
key("ed25519: by a key of a JWK set", "ok", public_keys=None, jwks={"keys": [jwk(SEED)]})
key("ed25519: by the second key of a JWK set", "ok", public_keys=None, jwks={"keys": [jwk(OTHER_SEED), jwk(SEED)]})
key("ed25519: keys of other kinds in the JWK set", "ok", public_keys=None,
    jwks={"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}, {"kty": "OKP", "crv": "X25519", "x": jwk(SEED)["x"]}, jwk(SEED)]})
key("ed25519: both kinds asked for, both right", "ok", f"{standard()} {asymmetric()}", secrets=[WHSEC])
key("ed25519: exactly five minutes ago", "ok", now=NOW + 300)
key("ed25519: five minutes and a second ago", "timestamp_too_old", now=NOW + 301)
key("ed25519: five minutes and a second ahead", "timestamp_too_new", now=NOW - 301)
key("ed25519: by another key", "signature_mismatch", asymmetric(OTHER_SEED))
key("ed25519: a changed byte of the signature", "signature_mismatch", flip64(asymmetric()))
key("ed25519: over another body", "signature_mismatch", asymmetric(), body=BODY + " ")
key("ed25519: over another time", "signature_mismatch", asymmetric(timestamp=NOW - 1))
key("ed25519: over another id", "signature_mismatch", asymmetric(id="msg_other"))
key("ed25519: under the version of a digest", "signature_mismatch", "v1," + asymmetric()[4:])
key("ed25519: half a signature", "signature_mismatch", asymmetric()[:48])
key("ed25519: empty", "signature_mismatch", "v1a,")
key("ed25519: not base64", "signature_mismatch", "v1a," + "-" * 86 + "==")
key("ed25519: without padding", "signature_mismatch", asymmetric().rstrip("="))
key("downgrade: a right digest does not rescue a wrong ed25519 signature", "signature_mismatch",
    f"{standard()} {asymmetric(OTHER_SEED)}", secrets=[WHSEC])
key("downgrade: a right digest is not enough where ed25519 is asked for", "signature_mismatch", standard(), secrets=[WHSEC])
key("downgrade: a digest alone, and public keys alone", "signature_mismatch", standard())
key("downgrade: a right ed25519 signature does not rescue a wrong digest", "signature_mismatch",
    f"{flip(standard())} {asymmetric()}", secrets=[WHSEC])
key("downgrade: an HMAC whose key is the public key", "signature_mismatch",
    "v1," + base64.b64encode(digest(ed25519.public(SEED), f"{ID}.{NOW}.{BODY}".encode()).digest()).decode())
key("ed25519 without a public key to check it", "signature_mismatch", public_keys=None, secrets=[WHSEC])
key("ed25519: no public key in the option for it", "no_secret", public_keys=[""])
key("ed25519: no public key in the option for it, beside a secret", "no_secret", standard(), public_keys=[], secrets=[WHSEC])
key("ed25519: a private key where the public one belongs", "invalid_secret", public_keys=[WHSK])
key("ed25519: a shared secret where a public key belongs", "invalid_secret", public_keys=[WHSEC])
key("ed25519: a public key that is too short", "invalid_secret", public_keys=["whpk_AAAA"])
key("ed25519: a JWK set without an ed25519 key", "invalid_secret", public_keys=None, jwks={"keys": []})
key("ed25519: what is no JWK set", "invalid_secret", public_keys=None, jwks={})
key("ed25519: the header is missing", "missing_header", drop=["webhook-signature"])

# Agenta's first form: sha256=<hex> over the raw body
agenta("with its prefix", "ok", "sha256=" + hexed())
agenta("without its prefix", "ok", hexed())
agenta("in upper-case hex", "ok", "sha256=" + hexed().upper())
agenta("an empty body", "ok", "sha256=" + hexed(body=""), body="")
agenta("a body beyond ASCII", "ok", "sha256=" + hexed(body=EVENT), body=EVENT)
agenta("a body that is not text", "ok", "sha256=" + hexed(body=bytes(range(256))), body=bytes(range(256)))
agenta("rotation: signed with the old secret", "ok", hexed(OLD_TEXT), secrets=[TEXT, OLD_TEXT])
agenta("a whsec_ secret is taken as the text it is", "ok", hexed(WHSEC), secrets=[WHSEC])
agenta("a secret beyond ASCII", "ok", hexed("geheim🗝️"), secrets=["geheim🗝️"])
agenta("signed with a wrong secret", "signature_mismatch", "sha256=" + hexed(OLD_TEXT))
agenta("the same JSON with sorted keys and other spaces", "signature_mismatch", "sha256=" + hexed(body='{"a": 1, "b": 2}'), body='{"b":2,"a":1}')
agenta("a changed last digit", "signature_mismatch", "sha256=" + flip(hexed()))
agenta("an odd number of digits", "signature_mismatch", "sha256=" + hexed()[:-1])
agenta("digits that are not hex", "signature_mismatch", "sha256=" + "z" * 64)
agenta("digits beyond ASCII", "signature_mismatch", "sha256=" + "é" * 64)
agenta("nothing but the prefix", "signature_mismatch", "sha256=")
agenta("a weaker algorithm's name", "signature_mismatch", "sha1=" + hexed())
agenta("a prefix in capitals", "signature_mismatch", "SHA256=" + hexed())
agenta("a prefix twice", "signature_mismatch", "sha256=sha256=" + hexed())
agenta("the right digits four times", "signature_mismatch", "sha256=" + hexed() * 4)
agenta("the header is empty", "missing_header", "")
agenta("no secret", "no_secret", hexed(""), secrets=[""])
agenta("an ed25519 public key used as a shared secret", "invalid_secret", hexed("whpk_AAAA"), secrets=["whpk_AAAA"])
add("the header is missing", "agenta", "missing_header", {}, [TEXT])

# Agenta's current form: t=<seconds>,v1=<hex> over {t}.{body}
agenta("timed", "ok", f"t={NOW},v1={timed()}")
agenta("timed, t not first", "ok", f"v1={timed()},t={NOW}")
agenta("timed, with spaces", "ok", f"t={NOW}, v1={timed()}")
agenta("timed, in upper-case hex", "ok", f"t={NOW},v1={timed().upper()}")
agenta("timed, one valid of many", "ok", f"t={NOW},v1={timed(OLD_TEXT)},v1={flip(timed())},v1={timed()},v0=1")
agenta("timed, rotation", "ok", f"t={NOW},v1={timed(OLD_TEXT)}", secrets=[TEXT, OLD_TEXT])
agenta("timed, an empty body", "ok", f"t={NOW},v1={timed(body='')}", body="")
agenta("timed, exactly five minutes ago", "ok", f"t={NOW},v1={timed()}", now=NOW + 300)
agenta("timed, exactly five minutes ahead", "ok", f"t={NOW},v1={timed()}", now=NOW - 300)
agenta("timed, five minutes and a second ago", "timestamp_too_old", f"t={NOW},v1={timed()}", now=NOW + 301)
agenta("timed, five minutes and a second ahead", "timestamp_too_new", f"t={NOW},v1={timed()}", now=NOW - 301)
agenta("timed, none of many valid", "signature_mismatch", f"t={NOW},v1={timed(OLD_TEXT)},v1={flip(timed())}")
for t in ["Infinity", "NaN", f"{NOW}abc", "", "-1", "1.5"]:
    agenta(f"timed, t='{t}', signed by the right secret", "malformed_header", f"t={t},v1={timed(t=t)}")
agenta("timed, no t", "malformed_header", f"v1={timed()}")
agenta("timed, a numeric signature is no t", "malformed_header", f"v1={NOW}")
agenta("timed, t twice", "malformed_header", f"t={NOW},t={NOW - 9},v1={timed()}")
agenta("timed, no v1", "signature_mismatch", f"t={NOW}")
agenta("timed, only an unknown version", "signature_mismatch", f"t={NOW},v2={timed()}")
agenta("timed, an odd number of digits", "signature_mismatch", f"t={NOW},v1={timed()[:-1]}")
agenta("timed, another t over the signature", "signature_mismatch", f"t={NOW - 10},v1={timed()}")
agenta("downgrade: an untimed digest in the timed form", "signature_mismatch", f"t={NOW},v1={hexed()}")
agenta("downgrade: a valid untimed item beside a wrong timed one", "signature_mismatch", f"t={NOW},v1={flip(timed())},sha256={hexed()}")
agenta("downgrade: a valid untimed item beside a stale timed one", "timestamp_too_old", f"t={NOW},v1={timed()},sha256={hexed()}", now=NOW + 9999)
agenta("two untimed signatures in one header", "malformed_header", f"sha256={hexed(OLD_TEXT)}, sha256={hexed()}")

# GitHub: X-Hub-Signature-256
hello = hexed("It's a Secret to Everybody", "Hello, World!")
assert hello == "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", "GitHub's documentation has this one"
github("the vector of GitHub's documentation", "ok", f"sha256={hello}", secrets=["It's a Secret to Everybody"], body="Hello, World!")
github("a body beyond ASCII", "ok", "sha256=" + hexed(body=EVENT), body=EVENT)
github("rotation: signed with the old secret", "ok", "sha256=" + hexed(OLD_TEXT), secrets=[TEXT, OLD_TEXT])
github("signed with a wrong secret", "signature_mismatch", "sha256=" + hexed(OLD_TEXT))
github("without its prefix", "signature_mismatch", hexed())
github("SHA-1", "signature_mismatch", "sha1=" + hmac.new(TEXT.encode(), BODY.encode(), hashlib.sha1).hexdigest())
github("an odd number of digits", "signature_mismatch", "sha256=" + hexed()[:-1])
github("digits beyond ASCII", "signature_mismatch", "sha256=" + "é" * 64)
github("no secret", "no_secret", "sha256=" + hexed(), secrets=[])
github("an ed25519 public key used as a shared secret", "invalid_secret", "sha256=" + hexed("whpk_AAAA"), secrets=["whpk_AAAA"])
add("only the SHA-1 header", "github", "missing_header", {"X-Hub-Signature": "sha1=" + hexed()[:40]}, [TEXT])

# A receiver that accepts any form Signalbox sends
first = {"X-Agenta-Signature": "sha256=" + hexed(WHSEC, EVENT)}
std("both forms right", "ok", form="webhook", body=EVENT, extra=first)
std("standard alone", "ok", form="webhook", body=EVENT)
add("first form alone", "webhook", "ok", first, [WHSEC], EVENT)
add("timed form alone", "webhook", "ok", {"X-Agenta-Signature": f"t={NOW},v1={timed(WHSEC, EVENT)}"}, [WHSEC], EVENT)
std("downgrade: standard wrong, first form right", "signature_mismatch", flip(standard(body=EVENT)), form="webhook", body=EVENT, extra=first)
std("downgrade: standard stale, first form right", "timestamp_too_old", form="webhook", body=EVENT, extra=first, now=NOW + 9999)
std("downgrade: standard without its signature, first form right", "missing_header", form="webhook", body=EVENT, extra=first, drop=["webhook-signature"])
std("downgrade: only an unknown version, first form right", "signature_mismatch", "v9,AAAA", form="webhook", body=EVENT, extra=first)
std("downgrade: standard under Svix's names wrong, first form right", "signature_mismatch", flip(standard(body=EVENT)), form="webhook", names="svix", body=EVENT, extra=first)
add("downgrade: an empty webhook-id beside a right first form", "webhook", "missing_header", {**first, "webhook-id": ""}, [WHSEC], EVENT)
std("an event of another source", "ok", form="webhook", body=RELAYED)
key("ed25519: an event", "ok", form="webhook", body=EVENT)
key("downgrade: ed25519 asked for, only the first form is there", "missing_header", form="webhook", body=EVENT,
    extra=first, drop=["webhook-id", "webhook-timestamp", "webhook-signature"])
key("downgrade: ed25519 and a secret asked for, only the first form is there", "missing_header", form="webhook", body=EVENT,
    extra=first, drop=["webhook-id", "webhook-timestamp", "webhook-signature"], secrets=[WHSEC])
key("downgrade: ed25519 wrong, first form right", "signature_mismatch", asymmetric(OTHER_SEED, body=EVENT), form="webhook",
    body=EVENT, extra=first)
add("no signature at all", "webhook", "missing_header", {}, [WHSEC], EVENT)
add("the form splice: a timed signature passed off as a signed body", "webhook", "malformed_body",
    {"X-Agenta-Signature": "sha256=" + timed(WHSEC, EVENT)}, [WHSEC], f"{NOW}.{EVENT}")
std("signed, but not JSON", "malformed_body", form="webhook", body="event=push")
std("signed, but not UTF-8", "malformed_body", form="webhook", body=EVENT.encode("utf-16"))
std("signed, but a name in Latin-1", "malformed_body", form="webhook", body=EVENT.replace(" 🚂", "").encode("latin-1"))
std("signed, but not an event", "malformed_body", form="webhook", body="[]")
std("signed, but empty", "malformed_body", form="webhook", body="")

names = [(v["form"], v["name"]) for v in vectors]
assert len(names) == len(set(names)), "every vector has a name of its own"
text = json.dumps(vectors, ensure_ascii=False, indent=2) + "\n"
if sys.argv[1:] == ["-"]:
    sys.stdout.buffer.write(text.encode())
else:
    (Path(__file__).parent / "signatures.json").write_text(text)
    print(len(vectors), "vectors")
